/** Every client of the wire against the vectors of test/vectors, played to it by a broker that decides nothing. */
import { describe, expect, test } from "vitest";
import { errnoNumber } from "../../src/platform/errno.ts";
import type { Reply, WireRequest } from "../../src/protocol/message.ts";
import { VECTORS } from "../support/vectors/all.ts";
import { pack } from "../support/vectors/pack.ts";
import { type Said, SHIMS, type Shim } from "../support/vectors/shims.ts";
import type { Vector } from "../support/vectors/vector.ts";
import { type Turn, VectorBroker } from "../support/vectors/vector_broker.ts";

const REQUESTS = VECTORS.filter(({ kind, encoding }) => kind === "request" && encoding === "canonical").map(
  ({ message }) => message as WireRequest,
);
const REPLIES = VECTORS.filter(({ kind }) => kind === "reply");

async function played(shim: Shim, calls: readonly WireRequest[], turns: readonly Turn[]) {
  const broker = new VectorBroker(turns);
  try {
    const said = await shim.make(calls, broker);
    expect(broker.problems).toEqual([]);
    expect(broker.left).toBe(0);
    expect(said.length).toBe(calls.length);
    return said;
  } finally {
    broker.close();
  }
}

describe.each(SHIMS.map((shim) => [shim.name, shim] as const))("%s", (_name, shim) => {
  test("writes every request byte for byte", async (context) => {
    const obstacle = shim.obstacle();
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
    const sent = REQUESTS;
    const said = await played(
      shim,
      sent,
      sent.map((request) => ({ kind: "expect", request })),
    );
    expect(said.map(({ ok }) => ok)).toEqual(sent.map(() => true));
  });

  test("reads every reply, and gives up a channel whose replies are none", async (context) => {
    const obstacle = shim.obstacle();
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
    const calls = REPLIES.map(callFor);
    const said = await played(
      shim,
      calls,
      REPLIES.map((vector, at) => ({ kind: "answer", bytes: vector.bytes, descriptor: takes(calls[at]!) })),
    );
    const judged = said.map((one, at) => ({ name: REPLIES[at]!.name, said: one }));
    expect(judged.map(({ name, said: one }, at) => ({ name, said: judgedPart(one, REPLIES[at]!) }))).toEqual(
      REPLIES.map((vector, at) => ({ name: vector.name, said: expected(vector, calls[at]!) })),
    );
  });
});

test.each(
  SHIMS.filter(({ reads }) => reads === "the first denials too").map((shim) => [shim.name, shim] as const),
)("%s: a denial as the first brokers sent it is understood", async (_name, shim) => {
  const obstacle = shim.obstacle();
  if (obstacle !== "") return void console.log(`skipped: ${obstacle}`);
  const bytes = pack([1, 1, "EACCES", "no", [0, "/w", "r", "s", ["step"]]]);
  const call: WireRequest = { op: "stat", path: "/w", follow: "follow" };
  const said = await played(shim, [call], [{ kind: "answer", bytes, descriptor: "none" }]);
  const denial = { op: "open", path: "/w", rule: "r", reason: "s", nextSteps: ["step"] };
  expect(said).toEqual([{ ok: false, code: "DENIED", errno: 13, message: "no", denial }]);
});

test.each(SHIMS.map((shim) => [shim.name, shim] as const))(
  "%s: a failure with the id 0 is the farewell of the broker",
  async (_name, shim) => {
    const obstacle = shim.obstacle();
    if (obstacle !== "") return void console.log(`skipped: ${obstacle}`);
    const call: WireRequest = { op: "mkdir", path: "/w/d", mode: 0o755 };
    const farewell = pack([0, 3, "EPROTO", "no request", null]);
    const success = pack([0, 0, null]);
    const said = await played(
      shim,
      [call, call],
      [farewell, success].map((bytes) => ({ kind: "answer", bytes, descriptor: "none" })),
    );
    expect(said.map((one) => (one.ok ? "done" : one.code))).toEqual(["GONE", "PROTOCOL"]);
  },
);

/** A request whose answer may be this reply. */
function callFor({ verdict, message }: Vector): WireRequest {
  const stat: WireRequest = { op: "stat", path: "/w/a", follow: "follow" };
  const reply = message as Reply | undefined;
  if (verdict !== "accepted" || reply === undefined || !reply.ok) return stat;
  if (reply.value === null) return { op: "mkdir", path: "/w/d", mode: 0o755 };
  if (Array.isArray(reply.value)) return { op: "list", path: "/w" };
  if ("pid" in reply.value) return { op: "exec", path: "/bin/true", argv: ["true"], env: [], cwd: "/" };
  if ("nonce" in reply.value) return { op: "challenge" };
  if ("handle" in reply.value) return { op: "present", token: "t", proof: null };
  if ("cells" in reply.value) {
    const range = { fromColumn: 0, fromRow: 0, toColumn: 0, toRow: 0 };
    return { op: "read-cells", path: "/w/a.xlsx", sheet: "S", range };
  }
  return "transaction" in reply.value ? { op: "begin", path: "/w/a", mode: 0 } : stat;
}

function takes({ op }: WireRequest): "none" | "sent" {
  return op === "begin" ? "sent" : "none";
}

function expected(vector: Vector, call: WireRequest): unknown {
  // A message without bytes is how a socket says that it has ended.
  if (vector.bytes.length === 0) return { ok: false, code: "GONE" };
  if (vector.verdict !== "accepted") return { ok: false, code: vector.verdict };
  const reply = vector.message as Reply;
  if (reply.ok) return { ok: true, value: reply.value, descriptor: takes(call) === "sent" };
  const { code, errno, message, denial = null } = reply;
  return { ok: false, code, errno: errnoNumber(errno), message, denial };
}

/** What a client says of its own accord when a channel breaks is in its own words. */
function judgedPart(said: Said, { verdict, bytes }: Vector): unknown {
  if (said.ok || (verdict === "accepted" && bytes.length > 0)) return said;
  return { ok: said.ok, code: said.code };
}
