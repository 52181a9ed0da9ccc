import fc from "fast-check";
import { Packr } from "msgpackr";
import { expect, it } from "vitest";
import { decode, encodeHello, encodeReply, encodeRequest } from "../../src/protocol/codec.ts";
import { SallyportError } from "../../src/protocol/errors.ts";
import { MAX_FRAME_BYTES } from "../../src/protocol/limits.ts";
import { parseHello, parseHelloReply, parseRequest } from "../../src/protocol/parse.ts";
import { parseReply } from "../../src/protocol/parse_reply.ts";
import { OPS } from "../../src/protocol/wire.ts";
import { id, request } from "../support/arbitrary_request.ts";

const RUNS = 100_000;
const richPackr = new Packr({ moreTypes: true, useRecords: false });
const valid = fc.tuple(id, request).map(([number, sent]) => Uint8Array.from(encodeRequest(number, sent)));

const cut = fc.tuple(valid, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % bytes.length));
const extended = fc
  .tuple(valid, fc.uint8Array({ minLength: 1, maxLength: 8 }))
  .map(([a, b]) => Uint8Array.from([...a, ...b]));
const flipped = fc
  .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
  .map(([bytes, edits]) => {
    const edited = bytes.slice();
    for (const [at, value] of edits) edited[at % edited.length] = value;
    return edited;
  });
const noise = fc.uint8Array({ maxLength: 64 });
const heads = fc.constantFrom(
  0x90,
  0x91,
  0x95,
  0xa1,
  0xc0,
  0xc1,
  0xc4,
  0xc7,
  0xcb,
  0xcf,
  0xd3,
  0xd4,
  0xd6,
  0xd9,
  0xdc,
  0xdd,
  0xde,
  0xff,
  0x72,
  0x01,
);
const structured = fc.array(heads, { maxLength: 40 }).map((bytes) => Uint8Array.from(bytes));
const nested = fc
  .tuple(fc.nat(300), heads)
  .map(([depth, head]) => Uint8Array.from([...new Array(depth).fill(0x91), head]));
const rich = fc.constantFrom<unknown>(
  new Date(0),
  new Set([1]),
  new Error("x"),
  /x/g,
  new Map(),
  {},
  { __proto__: null, a: 1 },
  2n ** 60n,
  Number.NaN,
  -0,
  1.5,
  true,
  "/a",
  "\0",
  -1,
  4096,
  null,
  [],
  [[[]]],
);
const hostileArray = fc
  .tuple(fc.nat(5), fc.integer({ min: 0, max: OPS.length + 1 }), fc.array(rich, { maxLength: 6 }))
  .map(([number, op, fields]) => Uint8Array.from(richPackr.pack([number, op, ...fields])));
const extension = fc
  .tuple(
    valid,
    fc.constantFrom(0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8),
    fc.nat(255),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([, head, type, data]) => Uint8Array.from([0x93, 1, 1, head, type, ...data]));
const frames = fc.oneof(
  valid,
  cut,
  extended,
  flipped,
  flipped,
  noise,
  structured,
  nested,
  hostileArray,
  extension,
);

/** What may come of bytes: a value, or a SallyportError. Anything else fails the test with the error itself. */
function attempt<Value>(act: () => Value): Value | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof SallyportError) return undefined;
    throw error;
  }
}

it(`reads ${RUNS} hostile frames without any error but its own, and no request that it would not send so`, () => {
  let requests = 0;
  let refused = 0;
  fc.assert(
    fc.property(frames, (bytes) => {
      const decoded = attempt(() => decode(bytes));
      if (decoded === undefined) {
        refused++;
        return;
      }
      attempt(() => parseReply(decoded));
      attempt(() => parseHello(decoded));
      attempt(() => parseHelloReply(decoded));
      const parsed = attempt(() => parseRequest(decoded));
      if (parsed === undefined) {
        refused++;
        return;
      }
      requests++;
      const again = encodeRequest(parsed.id, parsed.request);
      expect(parseRequest(decode(again))).toEqual(parsed);
      expect([...encodeRequest(parsed.id, parseRequest(decode(again)).request)]).toEqual([...again]);
    }),
    { numRuns: RUNS },
  );
  expect(requests).toBeGreaterThan(RUNS / 20);
  expect(refused).toBeGreaterThan(RUNS / 4);
});

it("reads replies and hellos with any bytes changed without any error but its own", () => {
  const sent = [
    encodeHello(),
    encodeReply(1, { ok: true, value: ["a", "b"] }),
    encodeReply(2, {
      ok: false,
      code: "DENIED",
      errno: "EACCES",
      message: "no",
      denial: {
        op: "open",
        path: "/a",
        rule: "r",
        reason: "",
        nextSteps: ["x"],
        layer: "profile",
        allowedRoots: ["/w"],
        retry: "later",
        retryAfterMs: 7,
      },
    }),
  ];
  for (const bytes of sent) {
    for (let at = 0; at < bytes.length; at++) {
      for (let value = 0; value < 256; value++) {
        const edited = Uint8Array.from(bytes);
        edited[at] = value;
        const decoded = attempt(() => decode(edited));
        attempt(() => parseReply(decoded));
        attempt(() => parseHello(decoded));
        attempt(() => parseHelloReply(decoded));
      }
    }
  }
});

it("refuses what is oversized in time that does not grow with what it claims", () => {
  const claims = [
    Uint8Array.from([0xdd, 0xff, 0xff, 0xff, 0xff, ...new Array(1_000).fill(0)]),
    Uint8Array.from([0xdb, 0xff, 0xff, 0xff, 0xff]),
    Uint8Array.from([0xc6, 0xff, 0xff, 0xff, 0xff]),
    new Uint8Array(MAX_FRAME_BYTES).fill(0x91),
    new Uint8Array(MAX_FRAME_BYTES).fill(0xdd),
    new Uint8Array(MAX_FRAME_BYTES + 1),
  ];
  for (const bytes of claims) expect(attempt(() => decode(bytes))).toBeUndefined();
});
