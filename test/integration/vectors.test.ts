/** The vectors of test/vectors against a real broker: what it must take it answers, what it must refuse it refuses as they say. */
import { expect, test } from "vitest";
import { decode } from "../../src/protocol/codec.ts";
import { parseHelloReply } from "../../src/protocol/parse.ts";
import { parseReply } from "../../src/protocol/parse_reply.ts";
import { Arena, fingerprint } from "../support/arena.ts";
import { serializeFrames } from "../support/frames.ts";
import { REFUSED, runVictim } from "../support/hostile.ts";
import { VECTORS } from "../support/vectors/all.ts";
import type { Vector } from "../support/vectors/vector.ts";

const FRAMES = VECTORS.filter(({ kind }) => kind === "hello" || kind === "request");

test("every frame of a client is answered or refused as the vectors say, and none has an effect", async () => {
  using arena = new Arena();
  arena.put(
    "workspace/frames",
    serializeFrames(FRAMES.map(({ kind, bytes }) => ({ greet: kind === "request", bytes }))),
  );
  const before = fingerprint(arena.outside);
  const run = await runVictim(arena, "answer_frames", ["frames"]);
  expect(run.exitCode, run.stdout.slice(-400) + run.stderr).toBe(REFUSED);
  const lines = run.stdout.trimEnd().split("\n").slice(0, -1);
  expect(lines.length).toBe(FRAMES.length);
  const said = FRAMES.map((vector, at) => `${vector.name}: ${judged(lines[at]!, vector)}`);
  expect(said).toEqual(FRAMES.map((vector) => `${vector.name}: ${must(vector)}`));
  expect(fingerprint(arena.outside)).toBe(before);
});

function must({ kind, verdict }: Vector): string {
  if (kind === "hello") return verdict === "accepted" ? "greeted, open" : "closed";
  if (verdict === "accepted") return "answered, open";
  return verdict === "INVALID" ? "INVALID, open" : "PROTOCOL, closed";
}

function judged(line: string, { kind, id }: Vector): string {
  const [hex = "", state = ""] = line.split(" ");
  if (hex === "") return state;
  const frame = decode(Buffer.from(hex, "hex"));
  if (kind === "hello") return parseHelloReply(frame).runId === "" ? "no run" : `greeted, ${state}`;
  const { id: answered, reply } = parseReply(frame);
  const refused = !reply.ok && (reply.code === "INVALID" || reply.code === "PROTOCOL");
  if (refused) return `${reply.code}, ${state}`;
  return answered === id ? `answered, ${state}` : `answered ${answered} in place of ${id}`;
}
