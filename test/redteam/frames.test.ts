import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { encodeHello, encodeRequest } from "../../src/protocol/codec.ts";
import { Arena } from "../support/arena.ts";
import { greeted, sendFrames as send } from "../support/frames.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const CLOSED = (count: number): RegExp => new RegExp(`^${count} frames: closed ${count} answered 0 silent 0`);

test("a first frame that is no hello closes its channel", async () => {
  using arena = new Arena();
  const wrong = [
    encodeRequest(1, { op: "stat", path: arena.outside, follow: "follow" }),
    encodeHello(99),
    bytes(0xc0),
    bytes(0x92, 0xa9, ...Buffer.from("sallyporT"), 1),
    bytes(0x93, 0xa9, ...Buffer.from("sallyport"), 1, 1),
    Buffer.alloc(65_536, 0x91),
  ];
  expect(
    await send(
      arena,
      wrong.map((one) => ({ greet: false, bytes: one })),
    ),
  ).toMatch(CLOSED(wrong.length));
});

test("a frame that is no message is answered with an error at most, and closes its channel", async () => {
  using arena = new Arena();
  const whole = encodeRequest(7, { op: "open", path: `${arena.outside}/made`, flags: 10, mode: 0o600 });
  const deep = Buffer.concat([Buffer.alloc(30_000, 0x91), bytes(0xc0)]);
  const wrong = [
    ...Array.from({ length: whole.length - 1 }, (_, cut) => whole.subarray(0, cut + 1)),
    Buffer.concat([whole, bytes(0)]),
    Buffer.concat([whole, whole]),
    deep,
    bytes(0xdd, 0xff, 0xff, 0xff, 0xff),
    bytes(0xdf, 0xff, 0xff, 0xff, 0xff),
    bytes(0xc6, 0xff, 0xff, 0xff, 0xff),
    bytes(0xdb, 0x7f, 0xff, 0xff, 0xff),
    // Extension types: a timestamp, msgpackr's records, bundled strings, a bigint, an Error, a Set
    bytes(0x93, 1, 3, 0xd6, 0xff, 0, 0, 0, 0),
    bytes(0x93, 1, 3, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61),
    bytes(0x93, 1, 3, 0xd6, 0x62, 0, 0, 0, 4),
    bytes(0x93, 1, 3, 0xd7, 0x42, 1, 2, 3, 4, 5, 6, 7, 8),
    bytes(0x93, 1, 3, 0xc7, 3, 0x65, 1, 2, 3),
    bytes(0x93, 1, 3, 0xd4, 0x73, 0),
    bytes(0xc1),
    bytes(0x80),
    bytes(0x81, 0xa9, ...Buffer.from("__proto__"), 0x80),
    Buffer.alloc(65_536, 0xc0),
  ];
  const said = await send(arena, greeted(wrong));
  expect(said).toMatch(new RegExp(`^${wrong.length} frames: closed \\d+ answered \\d+ silent 0`));
});

test("frames larger than a frame may be close their channel", async () => {
  using arena = new Arena();
  const sizes = [65_537, 100_000, 131_072, 200_000];
  const wrong = sizes.map((size) => Buffer.concat([bytes(0xc6, 0, 1, 0, 0), Buffer.alloc(size - 5)]));
  expect(await send(arena, greeted(wrong))).toMatch(/^4 frames: closed \d answered 0 silent 0/);
});

test("messages with values that no field takes have no effect", async () => {
  using arena = new Arena();
  const { outside } = arena;
  const paths = [
    `${outside}/made`,
    `${outside}/../outside/made`,
    "relative",
    "",
    `${outside}/a\0b`,
    `/${"x/".repeat(4000)}`,
  ];
  const wrong = paths.flatMap((path) => [
    encode([1, 1, path, 10, 0o600]),
    encode([1, 1, path, 0xffffffff, 0o600]),
    encode([1, 1, path, 10, 0o7777777]),
    encode([1, 4, path, 0o777]),
    encode([-1, 4, path, 0o777]),
    encode([1, 200, path]),
    encode([1, 0, path]),
    encode([1, 1, path, 10, 0o600, "more"]),
    encode([1, 1, [path], 10, 0o600]),
    encode([1, 1, path, "10", null]),
  ]);
  const said = await send(arena, greeted(wrong));
  expect(said).toMatch(new RegExp(`^${wrong.length} frames: closed \\d+ answered \\d+ silent 0`));
});

test("a thousand random frames and broken copies of good ones have no effect", async () => {
  using arena = new Arena();
  const good = encodeRequest(3, { op: "unlink", path: `${arena.outside}/victim`, kind: "file" });
  const random = Array.from({ length: 1000 }, (_, at) => {
    if (at % 2 === 0) return randomBytes(1 + (at % 300));
    const copy = Buffer.from(good);
    for (const place of randomBytes(2)) copy[place % copy.length] = randomBytes(1)[0] ?? 0;
    return copy;
  });
  expect(await send(arena, greeted(random))).toMatch(/^1000 frames: closed \d+ answered \d+ silent 0/);
});

/** The few forms of msgpack that these frames need. */
function encode(value: unknown): Buffer {
  if (Array.isArray(value)) return Buffer.concat([bytes(0x90 | value.length), ...value.map(encode)]);
  if (value === null) return Buffer.from(bytes(0xc0));
  if (typeof value === "number") {
    const number = Buffer.alloc(9);
    number.writeUInt8(value < 0 ? 0xd3 : 0xcf, 0);
    number.writeBigInt64BE(BigInt(value), 1);
    return number;
  }
  const text = Buffer.from(String(value));
  const head = Buffer.alloc(3);
  head.writeUInt8(0xda, 0);
  head.writeUInt16BE(text.length, 1);
  return Buffer.concat([head, text]);
}
