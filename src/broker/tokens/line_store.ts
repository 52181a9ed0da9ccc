import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { SallyportError } from "../../protocol/errors.ts";
import { locked } from "./locked.ts";

/**
 * A file of JSON lines that is only ever added to, by any process of the user, on disk before `appendLine` returns. When it is
 * large, lines that no longer matter are left out of a new file that takes its place: whoever follows it sees another inode.
 */

const COMPACT_BYTES = 1 << 20;
const MAX_BYTES = 16 << 20;
const MAX_LINE_BYTES = 4096;
const NEWLINE = 10;

/** Adds one record. `matters` says of an old one whether it must stay. Throws LIMIT when there is no more room. */
export async function appendLine(
  path: string,
  record: object,
  matters: (record: unknown) => boolean,
): Promise<void> {
  const line = Buffer.from(`${JSON.stringify(record)}\n`);
  if (line.length > MAX_LINE_BYTES)
    throw new SallyportError(
      "LIMIT",
      `Cannot write to "${path}": the record is longer than ${MAX_LINE_BYTES} bytes`,
    );
  await locked(path, () => appendLocked(path, line, matters));
}

/** The records from `offset` on, and where the next one will begin. Throws SETUP for a line that is no JSON: nothing may be skipped. */
export function readLines(
  fd: number,
  path: string,
  offset: number,
): { readonly records: readonly unknown[]; readonly next: number } {
  const { size } = fstatSync(fd);
  const bytes = Buffer.alloc(Math.max(0, size - offset));
  let length = 0;
  while (length < bytes.length) {
    const got = readSync(fd, bytes, length, bytes.length - length, offset + length);
    if (got === 0) break;
    length += got;
  }
  // What has no end yet is being written, or was by somebody who was killed before anybody was told.
  const end = bytes.subarray(0, length).lastIndexOf(NEWLINE) + 1;
  const lines = bytes.toString("utf8", 0, end).split("\n").slice(0, -1);
  const records = lines.map((line, at) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (cause) {
      throw new SallyportError(
        "SETUP",
        `Cannot read "${path}": line ${at + 1} behind byte ${offset} is no record`,
        { cause },
      );
    }
  });
  return { records, next: offset + end };
}

/** All records of the file; none when it is not there. */
export function readAll(path: string): readonly unknown[] {
  const fd = openExisting(path);
  if (fd === null) return [];
  try {
    return readLines(fd, path, 0).records;
  } finally {
    closeSync(fd);
  }
}

/** The caller closes it. null when there is no such file. */
export function openExisting(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function appendLocked(path: string, line: Buffer, matters: (record: unknown) => boolean): void {
  let fd = openSync(path, "a+", 0o600);
  try {
    let size = cutTail(fd, path);
    if (size === 0) syncDirectory(path);
    if (size > COMPACT_BYTES) {
      const kept = compact(fd, path, matters);
      closeSync(fd);
      fd = kept;
      size = fstatSync(fd).size;
    }
    if (size + line.length > MAX_BYTES)
      throw new SallyportError(
        "LIMIT",
        `Cannot write to "${path}": it has ${MAX_BYTES} bytes of records that still matter`,
      );
    if (writeSync(fd, line) !== line.length)
      throw new SallyportError("SYSTEM", `Cannot write to "${path}": short write`);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Cuts off a line that a killed writer did not end, and gives the size. */
function cutTail(fd: number, path: string): number {
  const { size } = fstatSync(fd);
  const tail = Buffer.alloc(Math.min(size, MAX_LINE_BYTES));
  if (readSync(fd, tail, 0, tail.length, size - tail.length) !== tail.length)
    throw new SallyportError("SYSTEM", `Cannot read "${path}"`);
  const whole = size - tail.length + tail.lastIndexOf(NEWLINE) + 1;
  if (whole !== size) ftruncateSync(fd, whole);
  return whole;
}

function compact(fd: number, path: string, matters: (record: unknown) => boolean): number {
  const kept = readLines(fd, path, 0).records.filter(matters);
  const temporary = `${path}.new`;
  const made = openSync(temporary, "w", 0o600);
  try {
    const text = Buffer.from(kept.map((record) => `${JSON.stringify(record)}\n`).join(""));
    for (let at = 0; at < text.length; ) at += writeSync(made, text, at);
    fsyncSync(made);
  } finally {
    closeSync(made);
  }
  renameSync(temporary, path);
  syncDirectory(path);
  return openSync(path, "a+");
}

function syncDirectory(path: string): void {
  const fd = openSync(dirname(path), "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
