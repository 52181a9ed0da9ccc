import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  Revocations,
  type RevokeBy,
  readRevocations,
  revoke,
} from "../../../../src/broker/tokens/revocations.ts";
import type { Capability, CapabilityChain } from "../../../../src/policy/capability/capability.ts";

const NOW = 1_700_000_000_000;

function link(change: Partial<Capability>): Capability {
  return {
    id: "c-1",
    subject: "planner",
    issuer: "urn:here",
    run: null,
    issuedMs: NOW,
    notBeforeMs: NOW,
    expiresMs: NOW + 60_000,
    grants: [],
    budget: {},
    delegationDepth: 1,
    onRevoke: "refuse",
    ...change,
  };
}

let state: string;
beforeEach(() => {
  state = mkdtempSync("/tmp/sallyport-revocations-");
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const chain: CapabilityChain = [
  link({}),
  link({ id: "c-2", subject: "planner/search", run: "r-1", issuer: "urn:key" }),
];
const record = (by: RevokeBy, value: string, timeMs = NOW) => ({ by, value, timeMs, reason: "test" });

describe("what is revoked", () => {
  it.each<[RevokeBy, string]>([
    ["id", "c-1"],
    ["id", "c-2"],
    ["subject", "planner"],
    ["subject", "planner/search"],
    ["issuer", "urn:here"],
    ["issuer", "urn:key"],
    ["run", "r-1"],
    ["epoch", ""],
  ])("by %s %s", async (by, value) => {
    const live = new Revocations(state);
    expect(live.revoked(chain)).toBeNull();
    await revoke(state, record(by, value));
    expect(live.refresh()).toBe(true);
    expect(live.revoked(chain)).toMatchObject({ by, value });
    expect(live.refresh()).toBe(false);
    expect(new Revocations(state).revoked(chain)).toMatchObject({ by, value });
  });

  it.each<[RevokeBy, string, number]>([
    ["id", "c-3", NOW],
    ["subject", "plan", NOW],
    ["subject", "planner/searching", NOW],
    ["issuer", "urn", NOW],
    ["run", "r-2", NOW],
    ["subject", "planner", NOW - 30_001],
    ["epoch", "", NOW - 30_001],
  ])("not by %s %s at %i", async (by, value, timeMs) => {
    await revoke(state, record(by, value, timeMs));
    expect(new Revocations(state).revoked(chain)).toBeNull();
  });
});

describe("the file", () => {
  const file = (): string => join(state, "tokens", "revocations.jsonl");

  it("is the user's alone, and keeps every record", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, at) => revoke(state, record("id", `c-${at}`))));
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(
      readRevocations(state)
        .map(({ value }) => value)
        .toSorted(),
    ).toEqual(Array.from({ length: 20 }, (_, at) => `c-${at}`).toSorted());
  });

  it("loses the line that a killed writer did not end, and nothing else", async () => {
    await revoke(state, record("id", "c-8"));
    appendFileSync(file(), '{"v":1,"by":"id","val');
    expect(new Revocations(state).revoked([link({ id: "c-8" })])).not.toBeNull();
    await revoke(state, record("id", "c-9"));
    expect(readRevocations(state).map(({ value }) => value)).toEqual(["c-8", "c-9"]);
  });

  it.each(["not json\n", '{"v":2,"by":"id","value":"c-1","timeMs":1,"reason":""}\n', "null\n"])(
    "is an error where %j stands in it: no record is skipped",
    async (line) => {
      await revoke(state, record("id", "c-8"));
      const live = new Revocations(state);
      appendFileSync(file(), line);
      expect(() => live.refresh()).toThrow(expect.objectContaining({ code: "SETUP" }));
      expect(() => new Revocations(state)).toThrow(expect.objectContaining({ code: "SETUP" }));
    },
  );

  it("is an error when it is gone", async () => {
    await revoke(state, record("id", "c-8"));
    const live = new Revocations(state);
    rmSync(file());
    expect(() => live.refresh()).toThrow(expect.objectContaining({ code: "SETUP" }));
  });

  it("is made anew without what is of no more use when it is large; a follower loses nothing", async () => {
    await revoke(state, record("id", "c-1"));
    const live = new Revocations(state);
    const old = (by: RevokeBy, value: string): string =>
      `${JSON.stringify({ v: 1, ...record(by, value, NOW - 92 * 24 * 3_600_000), reason: "x".repeat(200) })}\n`;
    appendFileSync(file(), old("issuer", "urn:old") + old("id", "c-old").repeat(4000));
    live.refresh();
    await revoke(state, record("id", "c-2"));
    expect(readRevocations(state).map(({ value }) => value)).toEqual(["c-1", "urn:old", "c-2"]);
    live.refresh();
    for (const id of ["c-1", "c-2", "c-old"]) expect(live.revoked([link({ id })]), id).not.toBeNull();
  });

  it("does not grow without end", async () => {
    await revoke(state, record("id", "c-1"));
    const line = `${JSON.stringify({ v: 1, ...record("issuer", "urn:x"), reason: "x".repeat(3800) })}\n`;
    writeFileSync(file(), line.repeat(Math.ceil((16 << 20) / line.length)));
    await expect(revoke(state, record("id", "c-2"))).rejects.toMatchObject({ code: "LIMIT" });
    expect(readFileSync(file()).length).toBeGreaterThan(16 << 20);
  });

  it("takes no value that names nothing", async () => {
    await expect(revoke(state, record("id", ""))).rejects.toMatchObject({ code: "INVALID" });
    await expect(revoke(state, record("subject", "a b"))).rejects.toMatchObject({ code: "INVALID" });
    expect(readRevocations(state)).toEqual([]);
  });
});
