import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { signCheckpoint } from "../../../src/audit/checkpoint.ts";
import { appendHostLog, type HostLogResult, headsOf, verifyHostLog } from "../../../src/audit/hostlog.ts";
import { ephemeralLogKey } from "../../../src/audit/key.ts";
import { EMPTY_ROOT } from "../../../src/audit/merkle.ts";
import { claim, ownerOf } from "../../../src/audit/owner.ts";
import { temporaryState } from "../../support/audit_log.ts";

let state: string;
let remove: () => void;
beforeEach(() => {
  ({ state, remove } = temporaryState());
});
afterEach(() => remove());
const key = ephemeralLogKey();
const verify = (): HostLogResult => verifyHostLog(state, key.vkey);
const path = (): string => join(state, "host.log");

async function writeRuns(count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const run = `r${i}`;
      await appendHostLog(state, key, { kind: "started", run, timeMs: i });
      const checkpoint = signCheckpoint(key, `${key.name}/${run}`, i, EMPTY_ROOT);
      await appendHostLog(state, key, { kind: "ended", run, timeMs: i, checkpoint });
    }),
  );
}

test("concurrent runs make one chain", async () => {
  expect(verify()).toEqual({ ok: true, entries: [], problems: [] });
  await writeRuns(12);
  const { ok, entries } = verify();
  expect(ok).toBe(true);
  expect(entries).toHaveLength(24);
  expect(headsOf(entries, "r7")).toHaveLength(1);
  expect(readdirSync(state)).toEqual(["host.log"]);
});

test("a flipped byte, a dropped, a swapped line are located", async () => {
  await writeRuns(3);
  const good = readFileSync(path());
  const lines = good.toString().trimEnd().split("\n");
  for (let at = 0; at < good.length; at += 3) {
    const bad = Buffer.from(good);
    bad[at] = bad[at]! ^ (1 << (at % 8));
    writeFileSync(path(), bad);
    const line = good.subarray(0, at).filter((byte) => byte === 10).length;
    const { ok, problems } = verify();
    expect({ at, ok, index: problems[0]?.index }).toEqual({ at, ok: false, index: line });
  }
  const written = (changed: string[]): HostLogResult => {
    writeFileSync(path(), `${changed.join("\n")}\n`);
    return verify();
  };
  expect(written(lines.toSpliced(2, 1)).problems[0]).toMatchObject({ kind: "order", index: 2 });
  expect(written(lines.toSpliced(2, 2, lines[3]!, lines[2]!)).problems[0]).toMatchObject({
    kind: "order",
    index: 2,
  });
});

test("a line that its writer did not end is cut off by the next", async () => {
  await writeRuns(1);
  writeFileSync(path(), '{"half', { flag: "a" });
  expect(verify().problems).toEqual([expect.objectContaining({ kind: "cut", index: 2 })]);
  await writeRuns(1);
  expect(verify()).toMatchObject({ ok: true });
  expect(verify().entries).toHaveLength(4);
});

test("the lock of a dead process is broken, also by one that died breaking it; that of a live one is not", () => {
  const lock = join(state, "lock");
  const dead = (nonce: string): string =>
    JSON.stringify({ pid: process.pid, startTime: "1", bootId: "x", nonce });
  writeFileSync(lock, dead("00000000000000aa"));
  writeFileSync(`${lock}.break.00000000000000aa`, dead("00000000000000bb"));
  const mine = claim(lock);
  expect(mine).toBeDefined();
  expect(ownerOf(lock)).toEqual(mine);
  expect(claim(lock)).toBeUndefined();
  expect(readdirSync(state)).toEqual(["lock"]);
});
