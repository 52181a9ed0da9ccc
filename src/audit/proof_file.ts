/** C2SP tlog-proof: one record, its path to the root and a signed checkpoint, for somebody without the log. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeBase64 } from "./base64.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { AuditError } from "./errors.ts";
import { HEADS_FILE, readHeads } from "./heads.ts";
import { parseVkey } from "./key.ts";
import { HASH_BYTES, leafHash } from "./merkle.ts";
import { hashesOf, inclusionProof, verifyInclusion } from "./proof.ts";
import { isSealed, readEntries } from "./read.ts";
import { CHECKPOINT_FILE } from "./seal.ts";
import { tileSource } from "./tiles.ts";

const FIRST_LINE = "c2sp.org/tlog-proof@v1";

/** Proof that leaf `index` is in the log; a live log proves against its newest head. Throws NOT_FOUND when no head has it. */
export function proveRecord(dir: string, index: number, vkey: string): string {
  const head = newestHead(dir, vkey);
  if (!Number.isSafeInteger(index) || index < 0 || head === undefined || index >= head.size) {
    throw new AuditError("NOT_FOUND", `Cannot prove record ${index}: no signed head has it`);
  }
  const path = inclusionProof(
    index,
    head.size,
    isSealed(dir) ? tileSource(dir, head.size) : liveSource(dir, head.size),
  );
  const hashes = path.map((hash) => `${hash.toString("base64")}\n`).join("");
  return `${FIRST_LINE}\nindex ${index}\n${hashes}\n${head.text}`;
}

/** Verifies a proof for the bytes of a record. Gives where it is proven to be; throws INVALID for anything less. */
export function verifyProof(
  proof: string,
  entry: Uint8Array,
  vkey: string,
): { index: number; checkpoint: Checkpoint } {
  const split = proof.indexOf("\n\n");
  const lines = proof.slice(0, Math.max(0, split)).split("\n");
  if (lines.shift() !== FIRST_LINE) throw invalid("the first line");
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? "")?.[1];
  if (index === undefined) throw invalid("the index line");
  const path = lines.map((line) => decodeBase64(line));
  if (!path.every((hash) => hash?.length === HASH_BYTES)) throw invalid("a hash");
  const checkpoint = parseCheckpoint(proof.slice(split + 2), parseVkey(vkey));
  if (!verifyInclusion(Number(index), checkpoint.size, leafHash(entry), path as Buffer[], checkpoint.root)) {
    throw invalid("the record is not in the log");
  }
  return { index: Number(index), checkpoint };
}

function newestHead(dir: string, vkey: string): Checkpoint | undefined {
  const verifier = parseVkey(vkey);
  if (isSealed(dir)) return parseCheckpoint(readFileSync(join(dir, CHECKPOINT_FILE), "utf8"), verifier);
  return readHeads(join(dir, HEADS_FILE), verifier).heads.at(-1)?.checkpoint;
}

function liveSource(dir: string, size: number): ReturnType<typeof hashesOf> {
  const leaves: Buffer[] = [];
  for (const { bytes } of readEntries(dir)) {
    if (leaves.length === size) break;
    leaves.push(leafHash(bytes));
  }
  return hashesOf(leaves);
}

function invalid(what: string): AuditError {
  return new AuditError("INVALID", `Cannot accept the proof: ${what}`);
}
