import { TokenRefused } from "../refusal.ts";

/**
 * What Biscuits use of protobuf (https://protobuf.dev/programming-guides/encoding/): varints and byte strings. Stricter than the
 * format: a field that the shape does not name could be a limit and is refused, and so is a field twice that comes once, where
 * others take the last, and a varint that is not in its shortest form.
 */
export type Shape = {
  readonly [field: number]: readonly [
    name: string,
    kind: "varint" | "bytes",
    count: "one" | "maybe" | "many",
  ];
};
export type Message = { readonly [name: string]: readonly (bigint | Uint8Array)[] };

const VARINT = 0;
const LENGTH = 2;
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The fields of one message, by their names; each a list in the order in which they stand. Throws TokenRefused. */
export function readMessage(bytes: Uint8Array, shape: Shape, where: string): Message {
  const found: { [name: string]: (bigint | Uint8Array)[] } = Object.fromEntries(
    Object.values(shape).map(([name]) => [name, []]),
  );
  const reader: Reader = { bytes, where, at: 0 };
  while (reader.at < bytes.length) {
    const tag = readVarint(reader);
    const entry = shape[Number(tag >> 3n)];
    if (entry === undefined) throw refused(reader, `field ${tag >> 3n} is not known`);
    const [name, kind, count] = entry;
    if (Number(tag & 7n) !== (kind === "varint" ? VARINT : LENGTH))
      throw refused(reader, `${name} has another wire type`);
    if (count !== "many" && found[name]!.length > 0) throw refused(reader, `${name} is there twice`);
    found[name]!.push(kind === "varint" ? readVarint(reader) : take(reader, Number(readVarint(reader))));
  }
  for (const [name, , count] of Object.values(shape))
    if (count === "one" && found[name]!.length === 0) throw refused(reader, `${name} is missing`);
  return found;
}

/** A message of which exactly one field is set. */
export function readOneOf(
  bytes: Uint8Array,
  shape: Shape,
  where: string,
): { readonly name: string; readonly value: bigint | Uint8Array } {
  const set = Object.entries(readMessage(bytes, shape, where)).flatMap(([name, values]) =>
    values.map((value) => ({ name, value })),
  );
  const [only] = set;
  if (only === undefined || set.length > 1) throw broken(where, `has ${set.length} contents in place of one`);
  return only;
}

export function bytesOf(message: Message, name: string): readonly Uint8Array[] {
  return message[name] as readonly Uint8Array[];
}

/** A number of a field that comes once; `none` where it is not there. */
export function numberOf(message: Message, name: string, none = 0): number {
  const [value] = message[name] as readonly bigint[];
  return value === undefined ? none : Number(value);
}

export function utf8(bytes: Uint8Array, where: string): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw broken(where, "holds text that is not UTF-8");
  }
}

export function broken(where: string, problem: string): TokenRefused {
  return new TokenRefused("bad-protobuf", where, problem, "take the Biscuit as it was made");
}

type Reader = { readonly bytes: Uint8Array; readonly where: string; at: number };

function readVarint(reader: Reader): bigint {
  let value = 0n;
  for (let at = 0; at < 10; at++) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw refused(reader, "it ends too early");
    value |= BigInt(byte & 0x7f) << BigInt(7 * at);
    if (byte >= 0x80) continue;
    if ((byte === 0 && at > 0) || value >> 64n !== 0n)
      throw refused(reader, "a number that is not in its shortest form");
    return value;
  }
  throw refused(reader, "a number of more than 64 bits");
}

function take(reader: Reader, count: number): Uint8Array {
  const end = reader.at + count;
  if (end > reader.bytes.length) throw refused(reader, "it ends too early");
  const taken = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return taken;
}

function refused({ where, at }: Reader, why: string): TokenRefused {
  return broken(where, `can not be read before byte ${at}: ${why}`);
}
