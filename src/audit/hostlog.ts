/**
 * <state>/host.log: the heads of all runs of a host, one JSON line each, chained by the hash of the line before and signed. A
 * line names its predecessor, so reading the end and appending must be one step: hence a lock file, whose dead holder is
 * recognised (owner.ts), and not bare O_APPEND.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeBase64 } from "./base64.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { AuditError, errnoOf } from "./errors.ts";
import { type LogKey, parseVkey, verifySignature } from "./key.ts";
import { sha256 } from "./merkle.ts";
import { claim } from "./owner.ts";
import type { Problem } from "./problem.ts";

export const HOST_LOG_FILE = "host.log";
const MAX_LINE_BYTES = 4096;
const LOCK_MS = 5000;
const FIRST_PREVIOUS = "";

/** One line. `previous` is the hex SHA-256 of the line before, without its newline; "" in the first. */
export type HostEntry = {
  readonly kind: "started" | "ended" | "restored" | "issuer-key" | "token-revoked";
  /** What was done to what, of "issuer-key" and "token-revoked" alone. */
  readonly about?: string;
  /** "" where it is about no run. */
  readonly run: string;
  readonly origin: string;
  /** In "ended": the whole signed head, else "". */
  readonly checkpoint: string;
  readonly previous: string;
  readonly time: number;
};

export type HostEvent =
  /** "restored": `sallyport undo restore` begins to put back what the run has changed. */
  | { readonly kind: "started" | "restored"; readonly run: string; readonly timeMs: number }
  /** A key that signs tokens was made, retired or removed; tokens were revoked. */
  | {
      readonly kind: "issuer-key" | "token-revoked";
      readonly run: "";
      readonly about: string;
      readonly timeMs: number;
    }
  | {
      readonly kind: "ended";
      readonly run: string;
      readonly timeMs: number;
      readonly checkpoint: Checkpoint;
    };

/** Appends one entry, on disk on return but for "started" and "restored". Throws TIMEOUT when the lock is not free within 5 s. */
export async function appendHostLog(stateDir: string, key: LogKey, event: HostEvent): Promise<HostEntry> {
  const path = join(stateDir, HOST_LOG_FILE);
  const lock = `${path}.lock`;
  const until = performance.now() + LOCK_MS;
  while (claim(lock) === undefined) {
    if (performance.now() > until) throw new AuditError("TIMEOUT", `Cannot lock "${path}"`);
    await sleep(1);
  }
  try {
    return appendLocked(path, key, event);
  } finally {
    unlinkSync(lock);
  }
}

export type HostLogResult = {
  readonly ok: boolean;
  readonly entries: readonly HostEntry[];
  readonly problems: readonly Problem[];
};

/** Verifies every line and the chain. `index` in a problem is the line, counted from 0. A missing file is an empty log. */
export function verifyHostLog(stateDir: string, vkey: string): HostLogResult {
  const verifier = parseVkey(vkey);
  const entries: HostEntry[] = [];
  const problems: Problem[] = [];
  let previous = FIRST_PREVIOUS;
  let offset = 0;
  let index = 0;
  const bytes = readOrEmpty(join(stateDir, HOST_LOG_FILE));
  const report = (kind: "entry" | "order" | "cut", detail: string): void =>
    void problems.push({ kind, file: HOST_LOG_FILE, index, offset, detail });
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, offset)) {
    const line = bytes.subarray(offset, end);
    try {
      const { entry, signed, signature } = parseLine(line);
      if (!verifySignature(verifier, signed, signature))
        report("entry", "The signature of the line does not verify");
      else if (
        entry.kind === "ended" &&
        parseCheckpoint(entry.checkpoint, verifier).origin !== entry.origin
      ) {
        report("entry", "The head is of another run");
      }
      if (entry.previous !== previous) report("order", "The line does not follow the one before it");
      entries.push(entry);
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      report("entry", error.message);
    }
    previous = sha256(line).toString("hex");
    offset = end + 1;
    index++;
  }
  if (offset !== bytes.length) report("cut", "The last line has no end");
  return { ok: problems.length === 0, entries, problems };
}

/** The signed heads that the host log has for a run: input of `verifyRun`. */
export function headsOf(entries: readonly HostEntry[], run: string): string[] {
  return entries
    .filter((entry) => entry.run === run && entry.kind === "ended")
    .map((entry) => entry.checkpoint);
}

function appendLocked(path: string, key: LogKey, event: HostEvent): HostEntry {
  const fd = openSync(path, "a+", 0o600);
  try {
    const entry: HostEntry = {
      kind: event.kind,
      ...("about" in event ? { about: event.about } : {}),
      run: event.run,
      origin: `${key.name}/${event.run}`,
      checkpoint: event.kind === "ended" ? event.checkpoint.text : "",
      previous: previousHash(fd),
      time: event.timeMs,
    };
    const body = entryBody(entry);
    const line = Buffer.from(
      `${body.slice(0, -1)},"sig":"${key.sign(Buffer.from(body)).toString("base64")}"}\n`,
    );
    if (line.length > MAX_LINE_BYTES)
      throw new AuditError("INVALID", "Cannot append to the host log: the line is too long");
    if (writeSync(fd, line) !== line.length)
      throw new AuditError("SYSTEM", "Cannot append to the host log: short write");
    if (event.kind === "ended" || "about" in event) fdatasyncSync(fd);
    return entry;
  } finally {
    closeSync(fd);
  }
}

/** Also cuts off a line that a killed writer did not end: nobody was told that it is there. */
function previousHash(fd: number): string {
  const { size } = fstatSync(fd);
  const length = Math.min(size, 2 * MAX_LINE_BYTES);
  const tail = Buffer.alloc(length);
  if (readSync(fd, tail, 0, length, size - length) !== length)
    throw new AuditError("SYSTEM", "Cannot read the host log");
  const end = tail.lastIndexOf(10);
  if (end !== length - 1) ftruncateSync(fd, size - (length - 1 - end));
  if (end < 0) return FIRST_PREVIOUS;
  const start = end === 0 ? 0 : tail.lastIndexOf(10, end - 1) + 1;
  return sha256(tail.subarray(start, end)).toString("hex");
}

function entryBody(entry: HostEntry): string {
  const { about, checkpoint, kind, origin, previous, run, time } = entry;
  return JSON.stringify({ about, checkpoint, kind, origin, previous, run, time });
}

function parseLine(line: Buffer): { entry: HostEntry; signed: Buffer; signature: Buffer } {
  let value: (HostEntry & { readonly sig?: unknown }) | null;
  try {
    value = JSON.parse(line.toString()) as typeof value;
  } catch (cause) {
    throw new AuditError("INVALID", "Cannot read the host log line: not JSON", 0, { cause });
  }
  const signature = typeof value?.sig === "string" ? decodeBase64(value.sig) : undefined;
  if (value === null || signature?.length !== 64 || !isEntry(value)) {
    throw new AuditError("INVALID", "Cannot read the host log line: wrong fields", 0);
  }
  const { sig, ...entry } = value;
  const body = entryBody(entry);
  if (!line.equals(Buffer.from(`${body.slice(0, -1)},"sig":"${String(sig)}"}`))) {
    throw new AuditError("INVALID", "Cannot read the host log line: not in canonical form", 0);
  }
  return { entry, signed: Buffer.from(body), signature };
}

function isEntry(value: HostEntry): boolean {
  const isAboutRun = value.kind === "started" || value.kind === "ended" || value.kind === "restored";
  const isAboutTokens = value.kind === "issuer-key" || value.kind === "token-revoked";
  return (
    (isAboutRun ? value.about === undefined : isAboutTokens && typeof value.about === "string") &&
    [value.run, value.origin, value.checkpoint, value.previous].every((text) => typeof text === "string") &&
    Number.isSafeInteger(value.time)
  );
}

function readOrEmpty(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
