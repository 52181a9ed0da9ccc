/**
 * A segment file of the journal: records of [u32 little-endian length][bytes][zeros to a multiple of 4]. A length that is
 * not 0 commits its record. Its top byte is always 0, which is RFC 6962's leaf prefix: a leaf is hashed where it lies.
 */
import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";
import { AuditError } from "./errors.ts";
import { MAX_ENTRY_BYTES } from "./record.ts";

export const LENGTH_BYTES = 4;

/** Maps [0, bytes) of `fd` shared and writable: `binding.mapShared`. */
export type MapShared = (fd: number, bytes: number) => ArrayBuffer;

/** An open segment; the owner closes `fd`. */
export type Segment = {
  readonly path: string;
  readonly fd: number;
  /** What the file holds; with the mapped backend, the file itself. */
  readonly image: Buffer;
  /** Where the next record goes. */
  end: number;
  readonly commit: (start: number, bytes: number) => void;
};

/**
 * Makes a segment. With `mapShared` it is filled with zeros and mapped: a store survives SIGKILL. Without, each record is
 * one write(2) at the end of a growing file. Throws the system error (ENOSPC, EEXIST, …).
 */
export function createSegment(path: string, capacity: number, mapShared: MapShared | undefined): Segment {
  const fd = openSync(
    path,
    constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    if (mapShared !== undefined) return mappedSegment(path, fd, capacity, mapShared);
    const image = Buffer.alloc(capacity);
    return { path, fd, image, end: 0, commit: (start, bytes) => writeRecord(fd, image, start, bytes) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Appends one record. False when the segment has no room; throws INVALID for an empty or oversized one. */
export function appendTo(segment: Segment, line: string | Uint8Array): boolean {
  const { image } = segment;
  const start = segment.end;
  const body = start + LENGTH_BYTES;
  const room = image.length - body;
  let bytes: number;
  if (typeof line === "string") {
    // A UTF-16 unit is at most 3 bytes; only near the end of a segment must they be counted.
    if (line.length * 3 > Math.min(room, MAX_ENTRY_BYTES)) {
      const exact = Buffer.byteLength(line);
      assertSize(exact);
      if (exact > room) return false;
    }
    bytes = image.write(line, body, "utf8");
  } else {
    assertSize(line.length);
    if (line.length > room) return false;
    image.set(line, body);
    bytes = line.length;
  }
  if (bytes === 0) assertSize(bytes);
  segment.commit(start, bytes);
  segment.end = align4(body + bytes);
  return true;
}

export function align4(n: number): number {
  return (n + 3) & ~3;
}

function mappedSegment(path: string, fd: number, capacity: number, mapShared: MapShared): Segment {
  // Written, not truncated to size: a store to a hole on a full disk is SIGBUS. Zeroed blocks also make fdatasync(2) cheaper.
  const zeros = Buffer.alloc(Math.min(capacity, 1 << 20));
  for (let at = 0; at < capacity; ) {
    const written = writeSync(fd, zeros, 0, Math.min(zeros.length, capacity - at), at);
    if (written === 0) throw new AuditError("SYSTEM", `Cannot allocate "${path}"`);
    at += written;
  }
  const memory = mapShared(fd, capacity);
  const image = Buffer.from(memory);
  const words = new Int32Array(memory);
  return {
    path,
    fd,
    image,
    end: 0,
    // Atomics: the compiler must not move this store before those of the body.
    commit: (start, bytes) => void Atomics.store(words, start >> 2, bytes),
  };
}

// A write(2) can be cut short by SIGKILL between pages, but only at its end: a record that the file does not hold whole is torn.
function writeRecord(fd: number, image: Buffer, start: number, bytes: number): void {
  image.writeUInt32LE(bytes, start);
  const length = align4(LENGTH_BYTES + bytes);
  image.fill(0, start + LENGTH_BYTES + bytes, start + length);
  const written = writeSync(fd, image, start, length, start);
  if (written === length) return;
  ftruncateSync(fd, start);
  throw new AuditError("SYSTEM", `Cannot append to the journal: ${written} of ${length} bytes were written`);
}

function assertSize(bytes: number): void {
  if (bytes === 0 || bytes > MAX_ENTRY_BYTES) {
    throw new AuditError("INVALID", `Cannot append an audit record of ${bytes} bytes`);
  }
}
