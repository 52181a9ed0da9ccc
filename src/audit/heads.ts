/** The file "checkpoints" of a run: every head that was signed while the run lived, each a JSON string on a line. */
import { readFileSync, writeSync } from "node:fs";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { AuditError, errnoOf } from "./errors.ts";
import type { LogVerifier } from "./key.ts";

export const HEADS_FILE = "checkpoints";

/** A verified head; `offset` is of its line. */
export type Head = { readonly checkpoint: Checkpoint; readonly offset: number };

/** One write(2) to a file opened for appending. */
export function writeHead(fd: number, checkpoint: Checkpoint): void {
  const line = Buffer.from(headLine(checkpoint.text));
  if (writeSync(fd, line) !== line.length)
    throw new AuditError("SYSTEM", "Cannot write the checkpoint: short write");
}

export type HeadsRead = {
  readonly heads: readonly Head[];
  readonly faults: readonly { readonly offset: number; readonly detail: string }[];
  /** Bytes of a last line without its end. */
  readonly tornBytes: number;
};

/** Reads and verifies every line. A missing file has no heads. */
export function readHeads(path: string, verifier: LogVerifier): HeadsRead {
  const heads: Head[] = [];
  const faults: { offset: number; detail: string }[] = [];
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    bytes = Buffer.alloc(0);
  }
  let offset = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, offset)) {
    try {
      heads.push({ checkpoint: parseHead(bytes.subarray(offset, end + 1), verifier), offset });
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      faults.push({ offset, detail: error.message });
    }
    offset = end + 1;
  }
  return { heads, faults, tornBytes: bytes.length - offset };
}

function parseHead(line: Buffer, verifier: LogVerifier): Checkpoint {
  let note: unknown;
  try {
    note = JSON.parse(line.toString());
  } catch (cause) {
    throw new AuditError("INVALID", "Cannot read the checkpoint line: not JSON", 0, { cause });
  }
  if (typeof note !== "string" || !line.equals(Buffer.from(headLine(note)))) {
    throw new AuditError("INVALID", "Cannot read the checkpoint line: not one of ours", 0);
  }
  return parseCheckpoint(note, verifier);
}

function headLine(note: string): string {
  return `${JSON.stringify(note)}\n`;
}
