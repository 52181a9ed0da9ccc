/** A writer of msgpack of its own, so that a frame can be made that the codec would never make. */
export function pack(value: unknown): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (value === true || value === false) return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === "number") return packNumber(value);
  if (typeof value === "string") return packText(value);
  if (value instanceof Uint8Array) return Buffer.concat([head(0xc5, value.length, 2), value]);
  if (Array.isArray(value)) {
    const start = value.length < 16 ? Buffer.of(0x90 | value.length) : head(0xdc, value.length, 2);
    return Buffer.concat([start, ...value.map(pack)]);
  }
  throw new Error(`Cannot pack ${typeof value}`);
}

function head(first: number, value: number, width: number): Buffer {
  const bytes = Buffer.alloc(width + 1);
  bytes.writeUInt8(first);
  bytes.writeUIntBE(value, 1, width);
  return bytes;
}

function packText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const start = bytes.length < 32 ? Buffer.of(0xa0 | bytes.length) : head(0xda, bytes.length, 2);
  return Buffer.concat([start, bytes]);
}

export function float64(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0xcb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function packNumber(value: number): Buffer {
  if (!Number.isInteger(value) || Math.abs(value) > 0xffff_ffff || Object.is(value, -0))
    return float64(value);
  if (value >= 0) return value < 128 ? Buffer.of(value) : head(0xce, value, 4);
  if (value >= -32) return Buffer.of(0x100 + value);
  const bytes = Buffer.alloc(5, 0xd2);
  bytes.writeInt32BE(value, 1);
  return bytes;
}
