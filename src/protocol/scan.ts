import { SallyportError } from "./errors.ts";
import { MAX_ARRAY_ENTRIES, MAX_DEPTH } from "./limits.ts";

/** Entries that are still to come, by depth: scratch memory of one scan, which nothing can interrupt. */
const pending = new Int32Array(MAX_DEPTH + 1);

/**
 * Checks that `bytes` is exactly one msgpack value of the kinds a frame may hold: arrays, integers, float64, strings of
 * valid UTF-8, binary and nil. Maps, extensions (with them records and dates), booleans, float32 and 0xc1 are refused, so
 * that msgpackr, which makes rich objects of them whatever its options say, never sees one. Reads each byte once.
 * Throws PROTOCOL.
 */
export function scanFrame(bytes: Uint8Array): void {
  const end = bytes.length;
  let depth = 0;
  let at = 0;
  pending[0] = 1;
  while (true) {
    while (pending[depth] === 0) {
      if (depth === 0) {
        if (at !== end) throw broken("bytes after the end", at);
        return;
      }
      depth--;
    }
    pending[depth]!--;
    if (at >= end) throw broken("it is cut short", at);
    const head = bytes[at++]!;
    if (head < 0x80 || head >= 0xe0 || head === 0xc0) continue;
    const entries = head >= 0x90 && head <= 0x9f ? head & 15 : head === 0xdc || head === 0xdd ? -1 : -2;
    if (entries !== -2) {
      const count = entries === -1 ? bigEndian(bytes, at, head === 0xdc ? 2 : 4) : entries;
      if (entries === -1) at += head === 0xdc ? 2 : 4;
      // Each entry takes a byte: a count that the frame can not hold is refused before it costs anything.
      if (count > MAX_ARRAY_ENTRIES || count > end - at) throw broken("an array is too long", at);
      if (depth === MAX_DEPTH) throw broken("arrays are nested too deep", at);
      pending[++depth] = count;
      continue;
    }
    at = skipScalar(bytes, at, head);
  }
}

/** Gives the offset behind the scalar whose first byte was `head`. */
function skipScalar(bytes: Uint8Array, start: number, head: number): number {
  if (head >= 0xa0 && head <= 0xbf) return skipText(bytes, start, head & 31);
  if (head >= 0xd9 && head <= 0xdb) {
    const width = 1 << (head - 0xd9);
    return skipText(bytes, start + width, bigEndian(bytes, start, width));
  }
  let length: number;
  if (head >= 0xc4 && head <= 0xc6) {
    const width = 1 << (head - 0xc4);
    length = width + bigEndian(bytes, start, width);
  } else if (head === 0xcb) length = 8;
  else if (head >= 0xcc && head <= 0xcf) length = 1 << (head - 0xcc);
  else if (head >= 0xd0 && head <= 0xd3) length = 1 << (head - 0xd0);
  else throw broken(`type 0x${head.toString(16)} is not allowed`, start - 1);
  if (length > bytes.length - start) throw broken("it is cut short", start);
  return start + length;
}

/** RFC 3629, table 3-7 of the Unicode standard: no overlong form, no surrogate, nothing above U+10FFFF. */
function skipText(bytes: Uint8Array, start: number, length: number): number {
  if (length > bytes.length - start) throw broken("it is cut short", start);
  const end = start + length;
  let at = start;
  while (at < end) {
    const lead = bytes[at++]!;
    if (lead < 0x80) continue;
    const more =
      lead >= 0xc2 && lead <= 0xdf
        ? 1
        : lead >= 0xe0 && lead <= 0xef
          ? 2
          : lead >= 0xf0 && lead <= 0xf4
            ? 3
            : 0;
    if (more === 0 || more > end - at) throw broken("a string is not UTF-8", at);
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    const second = bytes[at]!;
    if (second < low || second > high) throw broken("a string is not UTF-8", at);
    for (let i = 1; i < more; i++)
      if ((bytes[at + i]! & 0xc0) !== 0x80) throw broken("a string is not UTF-8", at);
    at += more;
  }
  return end;
}

function bigEndian(bytes: Uint8Array, at: number, width: number): number {
  if (width > bytes.length - at) throw broken("it is cut short", at);
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

function broken(why: string, at: number): SallyportError {
  return new SallyportError("PROTOCOL", `Cannot decode frame: ${why} at byte ${at}`);
}
