/** Looks at the log that a killed broker left, and seals it. */
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { type Checkpoint, parseCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { AuditError } from "./errors.ts";
import { HEADS_FILE, readHeads, writeHead } from "./heads.ts";
import { originOf, WRITER_FILE } from "./journal.ts";
import type { LogKey } from "./key.ts";
import { appendLeaf, emptyFrontier, leafHash, rootOf, sha256 } from "./merkle.ts";
import { claim } from "./owner.ts";
import { isSealed, readEntries } from "./read.ts";
import { serializeRecord } from "./record.ts";
import { scanSegment, segmentName, segmentNames } from "./scan.ts";
import { CHECKPOINT_FILE, removeLeftovers, sealLog } from "./seal.ts";
import { appendTo, createSegment, LENGTH_BYTES } from "./segment.ts";
import { type VerifyResult, verifyRun } from "./verify.ts";

type Found = VerifyResult & { readonly lostFrom: number };

export type RecoveryOptions = { readonly dir: string; readonly run: string; readonly key: LogKey };

/** What was found; the caller must `seal` or `release` it. */
export type Recovery = VerifyResult & {
  /** Index of the first record that sealing drops: a power cut may lose pages behind the last signed head. Or -1. */
  readonly lostFrom: number;
  /**
   * Records the recovery as a note, drops the torn tail, and seals. Throws INVALID where the log has problems below a signed
   * head: signing such a log would vouch for it, so it stays as it is. Damage behind the last head is cut off and kept beside
   * as damaged.NNN. Sealed already: gives its checkpoint. `nowMs` is the epoch time of the note.
   */
  seal(nowMs: number): Promise<Checkpoint>;
  release(): void;
};

/** Claims the log for this process. Throws BUSY while its writer lives. */
export function openForRecovery(options: RecoveryOptions): Recovery {
  const { dir, run, key } = options;
  const lock = join(dir, WRITER_FILE);
  if (claim(lock) === undefined) throw new AuditError("BUSY", `Cannot recover "${dir}": its writer lives`);
  const release = (): void => unlinkSync(lock);
  try {
    const found = verifyRun(dir, { vkey: key.vkey, run });
    const lostFrom = damageOf(found);
    const seal = async (nowMs: number): Promise<Checkpoint> => {
      try {
        if (!found.ok && lostFrom < 0) {
          throw new AuditError("INVALID", `Cannot seal "${dir}": ${found.problems[0]?.detail}`);
        }
        if (isSealed(dir)) return finish(dir, key);
        if (lostFrom >= 0) cutDamage(dir, lostFrom);
        return await sealUnsealed(options, { ...found, lostFrom }, nowMs);
      } finally {
        release();
      }
    };
    return { ...found, lostFrom, seal, release };
  } catch (error) {
    release();
    throw error;
  }
}

function finish(dir: string, key: LogKey): Checkpoint {
  removeLeftovers(dir);
  return parseCheckpoint(readFileSync(join(dir, CHECKPOINT_FILE), "utf8"), key);
}

async function sealUnsealed(options: RecoveryOptions, found: Found, nowMs: number): Promise<Checkpoint> {
  const { dir, run, key } = options;
  const torn = dropTornTail(dir);
  const note = serializeRecord({
    v: 1,
    kind: "note",
    seq: found.lostFrom < 0 ? found.size : found.lostFrom,
    time: nowMs,
    run,
    pid: process.pid,
    extra: {
      event: "recovered",
      openIntents: found.openIntents,
      tornBytes: found.tornBytes,
      tornSha256: torn,
    },
  });
  const last = segmentNames(dir).at(-1);
  const next = last === undefined ? 0 : Number(last.slice(8)) + 1;
  const segment = createSegment(join(dir, segmentName(next)), 1 << 17, undefined);
  try {
    appendTo(segment, note);
    fsyncSync(segment.fd);
  } finally {
    closeSync(segment.fd);
  }
  const tree = emptyFrontier();
  for (const { bytes } of readEntries(dir)) appendLeaf(tree, leafHash(bytes));
  const checkpoint = signCheckpoint(key, originOf(key, run), tree.size, rootOf(tree));
  appendHead(dir, key, checkpoint);
  await sealLog(dir, checkpoint);
  return checkpoint;
}

/** The first damaged record, when all damage is in segments and behind the last signed head; else -1. */
function damageOf(found: VerifyResult): number {
  if (found.ok || found.state === "sealed") return -1;
  const first = Math.min(
    ...found.problems.map(({ file, index }) => (file.startsWith("journal.") ? (index ?? -1) : -1)),
  );
  return first >= Math.max(0, found.signedSize) ? first : -1;
}

/** Cuts the log before record `from`. The segments that lose something are copied first. */
function cutDamage(dir: string, from: number): void {
  let index = 0;
  for (const name of segmentNames(dir)) {
    const path = join(dir, name);
    const { records, end } = scanSegment(readFileSync(path));
    const cut =
      index + records.length <= from ? end : Math.max(0, (records[from - index]?.offset ?? 4) - LENGTH_BYTES);
    if (index + records.length >= from) {
      copyFileSync(path, join(dir, name.replace("journal", "damaged")));
      truncate(path, index > from ? 0 : cut);
    }
    index += records.length;
  }
}

/** Cuts what no length commits off the segments. Gives the hex SHA-256 of what it cut, or "". */
function dropTornTail(dir: string): string {
  let digest = "";
  for (const name of segmentNames(dir)) {
    const path = join(dir, name);
    const image = readFileSync(path);
    const { end, tornBytes } = scanSegment(image);
    if (tornBytes === 0) continue;
    digest = sha256(image.subarray(end, end + tornBytes)).toString("hex");
    truncate(path, end);
  }
  return digest;
}

function appendHead(dir: string, key: LogKey, checkpoint: Checkpoint): void {
  const path = join(dir, HEADS_FILE);
  const { tornBytes } = readHeads(path, key);
  const fd = openSync(path, "a", 0o600);
  try {
    if (tornBytes > 0) ftruncateSync(fd, readFileSync(path).length - tornBytes);
    writeHead(fd, checkpoint);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function truncate(path: string, bytes: number): void {
  const fd = openSync(path, "r+");
  try {
    ftruncateSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
