import { MAX_JSON_DEPTH } from "./limits.ts";
import { TokenRefused } from "./refusal.ts";

/** What tokens use of CBOR (RFC 8949): integers, texts, bytes, arrays and maps, in the deterministic form of section 4.2.1 alone. */
export type Cbor = number | string | Uint8Array | readonly Cbor[] | CborMap;
export type CborMap = ReadonlyMap<number | string, Cbor>;

const MAJOR = { uint: 0, nint: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads one value, which must be all there is. Throws TokenRefused. */
export function decodeCbor(bytes: Uint8Array, field: string): Cbor {
  const reader: Reader = { bytes, field, at: 0 };
  const value = readValue(reader, 0);
  if (reader.at !== bytes.length) throw refused(reader, "something follows the value");
  return value;
}

/** The bytes behind the head of tag `number`; null where there is no such head. */
export function untagged(bytes: Uint8Array, number: number): Uint8Array | null {
  const head = headBytes(MAJOR.tag, number);
  return head.every((byte, at) => bytes[at] === byte) ? bytes.subarray(head.length) : null;
}

export function tagged(number: number, value: Cbor): Buffer {
  return Buffer.concat([headBytes(MAJOR.tag, number), encodeCbor(value)]);
}

export function encodeCbor(value: Cbor): Buffer {
  if (typeof value === "number")
    return value < 0 ? headBytes(MAJOR.nint, -1 - value) : headBytes(MAJOR.uint, value);
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return Buffer.concat([headBytes(MAJOR.text, text.length), text]);
  }
  if (value instanceof Uint8Array) return Buffer.concat([headBytes(MAJOR.bytes, value.length), value]);
  if (value instanceof Map) {
    const entries = [...(value as CborMap)].map(
      ([key, entry]) => [encodeCbor(key), encodeCbor(entry)] as const,
    );
    entries.sort(([a], [b]) => Buffer.compare(a, b));
    return Buffer.concat([headBytes(MAJOR.map, entries.length), ...entries.flat()]);
  }
  const entries = value as readonly Cbor[];
  return Buffer.concat([headBytes(MAJOR.array, entries.length), ...entries.map(encodeCbor)]);
}

type Reader = { readonly bytes: Uint8Array; readonly field: string; at: number };

function readValue(reader: Reader, depth: number): Cbor {
  if (depth > MAX_JSON_DEPTH) throw refused(reader, `more than ${MAX_JSON_DEPTH} levels`);
  const { major, count } = readHead(reader);
  switch (major) {
    case MAJOR.uint:
      return count;
    case MAJOR.nint:
      if (count === Number.MAX_SAFE_INTEGER) throw refused(reader, "an integer below -2^53");
      return -1 - count;
    case MAJOR.bytes:
      return take(reader, count);
    case MAJOR.text:
      return readText(reader, count);
    case MAJOR.array:
      return readArray(reader, count, depth);
    case MAJOR.map:
      return readMap(reader, count, depth);
    default:
      throw refused(reader, "neither integer, bytes, text, array nor map");
  }
}

function readHead(reader: Reader): { readonly major: number; readonly count: number } {
  const [first] = take(reader, 1);
  const major = first! >> 5;
  const low = first! & 0x1f;
  if (low < 24) return { major, count: low };
  // 28 to 30 mean nothing, 31 is a length that is not said.
  if (low > 27) throw refused(reader, "a length that is not definite");
  const width = 1 << (low - 24);
  const count = take(reader, width).reduce((sum, byte) => sum * 256 + byte, 0);
  const least = width === 1 ? 24 : 2 ** (width * 4);
  if (!Number.isSafeInteger(count) || count < least)
    throw refused(reader, "a number that is not in its shortest form");
  return { major, count };
}

function readText(reader: Reader, count: number): string {
  try {
    return DECODER.decode(take(reader, count));
  } catch (error) {
    if (error instanceof TokenRefused) throw error;
    throw refused(reader, "text that is not UTF-8");
  }
}

function readArray(reader: Reader, count: number, depth: number): readonly Cbor[] {
  // Each entry takes a byte at least.
  if (count > reader.bytes.length - reader.at) throw refused(reader, "more entries than bytes");
  return Array.from({ length: count }, () => readValue(reader, depth + 1));
}

function readMap(reader: Reader, count: number, depth: number): CborMap {
  if (count * 2 > reader.bytes.length - reader.at) throw refused(reader, "more entries than bytes");
  const map = new Map<number | string, Cbor>();
  let before: Uint8Array | null = null;
  for (let entry = 0; entry < count; entry++) {
    const start = reader.at;
    const key = readValue(reader, depth + 1);
    if (typeof key !== "number" && typeof key !== "string")
      throw refused(reader, "a key that is neither integer nor text");
    const written = reader.bytes.subarray(start, reader.at);
    if (map.has(key))
      throw new TokenRefused("duplicate-key", reader.field, "has a key twice", "write each key once");
    if (before !== null && Buffer.compare(before, written) > 0)
      throw refused(reader, "keys that are not in order");
    before = written;
    map.set(key, readValue(reader, depth + 1));
  }
  return map;
}

function take(reader: Reader, count: number): Uint8Array {
  const end = reader.at + count;
  if (end > reader.bytes.length) throw refused(reader, "it ends too early");
  const taken = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return taken;
}

function headBytes(major: number, count: number): Buffer {
  const first = major << 5;
  if (count < 24) return Buffer.of(first | count);
  const bits = [0x100, 0x1_0000, 0x1_0000_0000].findIndex((limit) => count < limit);
  const width = 1 << (bits < 0 ? 3 : bits);
  const bytes = Buffer.alloc(1 + width);
  bytes[0] = first | (24 + Math.log2(width));
  if (width === 8) bytes.writeBigUInt64BE(BigInt(count), 1);
  else bytes.writeUIntBE(count, 1, width);
  return bytes;
}

function refused({ field, at }: Reader, why: string): TokenRefused {
  return new TokenRefused(
    "bad-cbor",
    field,
    `can not be read at byte ${at}: ${why}`,
    "write deterministic CBOR (RFC 8949, section 4.2)",
  );
}
