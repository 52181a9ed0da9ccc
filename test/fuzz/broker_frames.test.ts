import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeRequest } from "../../src/protocol/codec.ts";
import { Arena } from "../support/arena.ts";
import { greeted, sendFrames } from "../support/frames.ts";

const FRAMES = 100_000;
const BATCH = 20_000;

/** Frames that would do harm outside if they were taken for what they nearly are, and frames that are nothing at all. */
function hostile(outside: string): fc.Arbitrary<Uint8Array> {
  const harmful = fc.constantFrom(
    encodeRequest(1, { op: "unlink", path: `${outside}/victim`, kind: "file" }),
    encodeRequest(2, { op: "open", path: `${outside}/made`, flags: 10, mode: 0o600 }),
    encodeRequest(3, {
      op: "rename",
      from: `${outside}/victim`,
      to: `${outside}/moved`,
      existing: "replace",
    }),
    encodeRequest(4, { op: "chmod", path: `${outside}/victim`, mode: 0, follow: "follow" }),
  );
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  const broken = fc.tuple(harmful, edits).map(([bytes, changes]) => {
    const copy = Uint8Array.from(bytes);
    for (const [at, value] of changes) copy[at % copy.length] = value;
    return copy;
  });
  // An empty packet is the end of a connection (recv(2)), so that one byte is the least.
  const truncated = fc
    .tuple(harmful, fc.nat())
    .map(([bytes, at]) => bytes.subarray(0, 1 + (at % (bytes.length - 1))));
  const nested = fc
    .tuple(fc.nat(2000), fc.nat(255))
    .map(([depth, last]) => Uint8Array.of(...Array(depth).fill(0x91), last));
  const extension = fc
    .tuple(fc.constantFrom(0xc7, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8), fc.uint8Array({ maxLength: 40 }))
    .map(([head, rest]) => Uint8Array.of(0x95, 1, head, ...rest));
  const noise = fc.uint8Array({ minLength: 1, maxLength: 300 });
  const oversized = fc.nat(1000).map((more) => new Uint8Array(65_537 + more).fill(0x91));
  return fc.oneof(
    { weight: 800, arbitrary: broken },
    { weight: 400, arbitrary: truncated },
    { weight: 100, arbitrary: nested },
    { weight: 300, arbitrary: extension },
    { weight: 400, arbitrary: noise },
    { weight: 1, arbitrary: oversized },
  );
}

test(`${FRAMES} hostile frames to live brokers have no effect and cut off nobody else`, async () => {
  for (let sent = 0; sent < FRAMES; sent += BATCH) {
    using arena = new Arena();
    arena.put("outside/victim", "whole");
    const frames = fc.sample(hostile(arena.outside), { numRuns: BATCH, seed: sent + 1 });
    const said = await sendFrames(arena, greeted(frames));
    expect(said).toMatch(new RegExp(`^${BATCH} frames: closed \\d+ answered \\d+ silent 0`));
  }
});
