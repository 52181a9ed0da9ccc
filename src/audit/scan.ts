/** Reads segment files back: which records are committed, and what else the file holds. */
import { readdirSync } from "node:fs";
import { MAX_ENTRY_BYTES } from "./record.ts";
import { align4, LENGTH_BYTES } from "./segment.ts";

export type SegmentScan = {
  /** Offset and length of each committed record's bytes. */
  readonly records: readonly { readonly offset: number; readonly length: number }[];
  /** Where the committed records end. */
  readonly end: number;
  /** Bytes behind `end` up to the last that is not 0: an append that was cut short. */
  readonly tornBytes: number;
  /** A place that no append of ours leaves behind, or -1; `fault` says what. */
  readonly faultOffset: number;
  readonly fault: string;
};

/** Path of segment number `index`: "journal.000". */
export function segmentName(index: number): string {
  return `journal.${String(index).padStart(3, "0")}`;
}

/** Names of the segments in `dir`, in order. */
export function segmentNames(dir: string): string[] {
  const names = readdirSync(dir).filter((name) => /^journal\.[0-9]{3,}$/.test(name));
  return names.sort((a, b) => Number(a.slice(8)) - Number(b.slice(8)));
}

/** Scans the bytes of a segment. Never throws. */
export function scanSegment(image: Buffer): SegmentScan {
  const records: { offset: number; length: number }[] = [];
  let faultOffset = -1;
  let fault = "";
  let at = 0;
  while (at + LENGTH_BYTES <= image.length) {
    const length = image.readUInt32LE(at);
    const end = at + LENGTH_BYTES + length;
    if (length > MAX_ENTRY_BYTES) {
      // A length is stored as one aligned word: it is never half written.
      faultOffset = at;
      fault = "a length above the limit";
    }
    if (length === 0 || length > MAX_ENTRY_BYTES || end > image.length) break;
    records.push({ offset: at + LENGTH_BYTES, length });
    at = align4(end);
    if (faultOffset < 0 && holdsAny(image, end, at)) {
      faultOffset = end;
      fault = "bytes between two records";
    }
  }
  const end = Math.min(at, image.length);
  const tornBytes = lastNonZero(image, end) + 1 - end;
  if (faultOffset < 0 && tornBytes > 0) {
    faultOffset = hiddenRecord(image, end);
    if (faultOffset >= 0) fault = "a record behind the end";
    else if (tornBytes > LENGTH_BYTES + MAX_ENTRY_BYTES) {
      faultOffset = end;
      fault = "more bytes behind the end than one append";
    }
  }
  return { records, end, tornBytes: Math.max(0, tornBytes), faultOffset, fault };
}

const ZEROS = Buffer.alloc(4096);

/** Whether a byte from `from` to before `to`, or to the end of the image, is not 0. */
function holdsAny(image: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (at < image.length && image[at] !== 0) return true;
  return false;
}

function lastNonZero(image: Buffer, from: number): number {
  let at = image.length - 1;
  // A segment is mostly room that was never written.
  for (let begin = at + 1 - ZEROS.length; begin >= from; begin = at + 1 - ZEROS.length) {
    if (image.compare(ZEROS, 0, ZEROS.length, begin, at + 1) !== 0) break;
    at = begin - 1;
  }
  while (at >= from && image[at] === 0) at--;
  return Math.max(at, from - 1);
}

// JSON holds no byte below 0x20, so the torn record itself can not look like a length.
function hiddenRecord(image: Buffer, end: number): number {
  for (let at = end + LENGTH_BYTES; at + LENGTH_BYTES < image.length; at += 4) {
    const length = image.readUInt32LE(at);
    const last = at + LENGTH_BYTES + length - 1;
    if (length > 1 && length <= MAX_ENTRY_BYTES && image[at + LENGTH_BYTES] === 0x7b && image[last] === 0x7d)
      return at;
  }
  return -1;
}
