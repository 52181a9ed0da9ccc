/** Writes DER (ITU-T X.690), as far as a certificate needs it. */

/** Tags of X.690 and, below, of the fields that RFC 5280 tags by number. */
const TAG = { boolean: 1, integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, utcTime: 23, time: 24 } as const;
const SEQUENCE = 0x30;
const SET = 0x31;

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(SEQUENCE, Buffer.concat(parts));
}

/** Of one member: more would have to be sorted. */
export function setOf(part: Uint8Array): Buffer {
  return element(SET, part);
}

export const TRUE: Buffer = element(TAG.boolean, Buffer.of(0xff));

/** `bytes`: a number without a sign, highest byte first. */
export function integer(bytes: Uint8Array): Buffer {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const short = bytes.subarray(at);
  const isNegative = short.length === 0 || (short[0]! & 0x80) !== 0;
  return element(TAG.integer, Buffer.concat([Buffer.alloc(isNegative ? 1 : 0), short]));
}

/** Whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return element(TAG.bits, Buffer.concat([Buffer.of(0), bytes]));
}

/** Numbered bits, the first one highest, without the zeroes at the end (X.690, 11.2.2). */
export function namedBits(...numbers: readonly number[]): Buffer {
  const last = Math.max(...numbers);
  const bytes = Buffer.alloc((last >> 3) + 1);
  for (const number of numbers) bytes[number >> 3]! |= 0x80 >> (number & 7);
  return element(TAG.bits, Buffer.concat([Buffer.of(7 - (last & 7)), bytes]));
}

export function octets(bytes: Uint8Array): Buffer {
  return element(TAG.octets, bytes);
}

/** Dotted numbers. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const numbers = [40 * first + second, ...rest].flatMap(base128);
  return element(TAG.oid, Buffer.from(numbers));
}

export function utf8(text: string): Buffer {
  return element(TAG.utf8, Buffer.from(text));
}

/** To the second; in the shorter form until 2049 (RFC 5280, 4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  const isShort = date.getUTCFullYear() < 2050;
  return element(isShort ? TAG.utcTime : TAG.time, Buffer.from(isShort ? digits.slice(2) : digits));
}

/** A field with the number `tag` in place of its own tag, or around it where it is "constructed". */
export function context(tag: number, form: "primitive" | "constructed", content: Uint8Array): Buffer {
  return element((form === "constructed" ? 0xa0 : 0x80) | tag, content);
}

function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag, ...lengthOf(content.length)), content]);
}

function lengthOf(size: number): number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}
