/** Tells bytes that look encrypted. Pure. */

/** What is looked at of a file: its beginning. */
export const SAMPLE_BYTES = 4096;
/** Fewer bytes say nothing. */
const LEAST_BYTES = 512;
/** Bits in a byte. 512 random bytes show 7.59 of the 8 that they have, text and machine code less than 6.6. */
const DENSE_BITS = 7.2;

const counts = new Uint16Array(256);

/** Shannon entropy of the bytes as they are distributed, in bits per byte. */
export function entropyOf(bytes: Uint8Array): number {
  counts.fill(0);
  const length = Math.min(bytes.length, SAMPLE_BYTES);
  for (let at = 0; at < length; at++) counts[bytes[at]!] = counts[bytes[at]!]! + 1;
  let bits = 0;
  for (let value = 0; value < 256; value++) {
    const count = counts[value]!;
    if (count > 0) bits -= (count / length) * Math.log2(count / length);
  }
  return bits;
}

export function isDense(bytes: Uint8Array): boolean {
  return bytes.length >= LEAST_BYTES && entropyOf(bytes) >= DENSE_BITS;
}

/**
 * Compressed formats that begin as they always do, beside those that files/mime.ts knows: zlib (RFC 1950), lz4, pack files of git,
 * fonts, and the like.
 */
const BEGINNINGS: readonly (readonly number[])[] = [
  [0x04, 0x22, 0x4d, 0x18],
  [0x50, 0x41, 0x43, 0x4b],
  [0xff, 0x74, 0x4f, 0x63],
  [0x77, 0x4f, 0x46, 0x46],
  [0x77, 0x4f, 0x46, 0x32],
  [0x89, 0x48, 0x44, 0x46],
  [0x93, 0x4e, 0x55, 0x4d],
  [0x4c, 0x5a, 0x49, 0x50],
  [0x5d, 0x00, 0x00],
  [0x52, 0x61, 0x72, 0x21],
  [0xed, 0xab, 0xee, 0xdb],
  [0x63, 0x43, 0x72, 0x53],
];

export function beginsAsCompressed(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  if ((first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0) return true;
  return BEGINNINGS.some((beginning) => beginning.every((byte, at) => bytes[at] === byte));
}
