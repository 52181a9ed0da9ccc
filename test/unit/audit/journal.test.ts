import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Journal, type JournalOptions, runLogDir } from "../../../src/audit/journal.ts";
import { ephemeralLogKey } from "../../../src/audit/key.ts";
import { readEntries, readRecords } from "../../../src/audit/read.ts";
import { openForRecovery } from "../../../src/audit/recovery.ts";
import { verifyRun } from "../../../src/audit/verify.ts";
import { fill, InMemoryMapShared, openJournal, RUN, temporaryState } from "../../support/audit_log.ts";
import { needs } from "../../support/needs.ts";

const ADDON = join(import.meta.dirname, "../../../build/Release/sallyport.node");
const mapShared = existsSync(ADDON)
  ? (createRequire(import.meta.url)(ADDON).mapShared as JournalOptions["mapShared"])
  : undefined;

let state: string;
let remove: () => void;
beforeEach(() => {
  ({ state, remove } = temporaryState());
});
afterEach(() => remove());
const key = ephemeralLogKey();

describe.each([
  ["write(2)", undefined, true],
  ["mapped", mapShared, mapShared !== undefined],
] as const)("the %s backend", (_name, map, isThere) => {
  needs(isThere ? "" : "needs the addon, which is not built here");
  test("a long log is read live, grows by segments, and seals", async () => {
    const { journal, dir } = openJournal(state, key, map);
    fill(journal, 4500);
    expect([...readRecords(dir)].at(-1)?.seq).toBe(4499);
    expect(readdirSync(dir).filter((name) => name.startsWith("journal."))).toHaveLength(3);
    expect(verifyRun(dir, { vkey: key.vkey })).toMatchObject({
      ok: true,
      state: "unsealed",
      size: 4500,
      tornBytes: 0,
    });
    const head = await journal.flush();
    expect(head.size).toBe(4500);
    fill(journal, 5000);
    const last = await journal.close();
    const result = verifyRun(dir, { vkey: key.vkey, heads: [head.text, last.text] });
    expect(result).toMatchObject({ ok: true, state: "sealed", size: 5000, signedSize: 5000 });
    expect(readdirSync(dir).sort()).toEqual(["checkpoint", "checkpoints", "tile"]);
  });

  test("an abandoned log recovers, once its torn tail is dropped", async () => {
    const { journal, dir } = openJournal(state, key, map);
    fill(journal, 50);
    await journal.abandon();
    const recovery = openForRecovery({ dir, run: RUN, key });
    expect(recovery).toMatchObject({ ok: true, state: "unsealed", size: 50 });
    const checkpoint = await recovery.seal(1);
    expect(checkpoint.size).toBe(51);
    expect([...readRecords(dir, 50)]).toEqual([expect.objectContaining({ kind: "note", seq: 50 })]);
    expect(verifyRun(dir, { vkey: key.vkey })).toMatchObject({ ok: true, state: "sealed", size: 51 });
  });
});

test("heads are signed by time without being asked, and no more than that", async () => {
  const { journal, dir } = openJournal(state, key);
  const until = performance.now() + 450;
  while (performance.now() < until) {
    fill(journal, journal.size + 5);
    await new Promise((done) => setTimeout(done, 5));
  }
  const lines = readFileSync(join(dir, "checkpoints"), "utf8").split("\n").length - 1;
  expect(lines).toBeGreaterThanOrEqual(3);
  expect(lines).toBeLessThanOrEqual(6);
  const { signedSize, size } = verifyRun(dir, { vkey: key.vkey });
  expect(signedSize).toBeGreaterThan(size / 2);
  await journal.close();
});

test("an idle journal gets its head and then arms no timer", async () => {
  const { journal, dir } = openJournal(state, key);
  fill(journal, 3);
  await expect.poll(() => verifyRun(dir, { vkey: key.vkey }).signedSize).toBe(3);
  await journal.close();
});

test("overlapping flushes each cover what was appended before them", async () => {
  const { journal } = openJournal(state, key);
  fill(journal, 10);
  const one = journal.flush();
  fill(journal, 20);
  const [a, b, c] = await Promise.all([one, journal.flush(), journal.flush()]);
  expect([a.size, b.size, c.size]).toEqual([10, 20, 20]);
  await journal.close();
});

test("rotation during a flush keeps every record", async () => {
  const { journal, dir } = openJournal(state, key, InMemoryMapShared);
  const flushes: Promise<{ size: number }>[] = [];
  for (let size = 200; size <= 6000; size += 200) {
    fill(journal, size);
    flushes.push(journal.flush());
    if (size % 1000 === 0) await flushes.at(-1);
  }
  expect((await Promise.all(flushes)).at(-1)?.size).toBe(6000);
  await journal.abandon();
  expect(existsSync(dir)).toBe(true);
});

test("a second writer, a reused folder and a closed journal are refused", async () => {
  const { journal, dir } = openJournal(state, key);
  const again = (): Journal => Journal.open({ dir, run: RUN, key });
  expect(again).toThrowError(expect.objectContaining({ code: "BUSY" }));
  expect(() => openForRecovery({ dir, run: RUN, key })).toThrowError(
    expect.objectContaining({ code: "BUSY" }),
  );
  fill(journal, 2);
  await journal.close();
  expect(() => journal.append("{}")).toThrowError(expect.objectContaining({ code: "SYSTEM" }));
  expect(again).toThrowError(expect.objectContaining({ code: "EEXIST" }));
  expect(readdirSync(dir)).not.toContain("writer");
  expect(() => runLogDir(state, "../x")).toThrowError(expect.objectContaining({ code: "INVALID" }));
});

test("oversized and empty records are refused and leave the journal usable", async () => {
  const { journal } = openJournal(state, key);
  for (const line of ["", "x".repeat(65_536), "é".repeat(40_000), Buffer.alloc(70_000)]) {
    expect(() => journal.append(line)).toThrowError(expect.objectContaining({ code: "INVALID" }));
  }
  expect(journal.append("x".repeat(65_535))).toBe(0);
  expect(journal.append("é".repeat(32_767))).toBe(1);
  expect(journal.append("x".repeat(65_535))).toBe(2);
  expect((await journal.close()).size).toBe(3);
});

test("a segment that can not be made fails the append and everything after it", async () => {
  const { journal, dir } = openJournal(state, key);
  writeFileSync(join(dir, "journal.001"), "in the way");
  expect(() => fill(journal, 5000)).toThrowError(expect.objectContaining({ code: "EEXIST" }));
  const { size } = journal;
  expect(() => journal.append("{}")).toThrowError(expect.objectContaining({ code: "SYSTEM" }));
  expect(journal.size).toBe(size);
  await expect(journal.close()).rejects.toThrow();
  rmSync(join(dir, "journal.001"));
  expect(verifyRun(dir, { vkey: key.vkey })).toMatchObject({ ok: true, size });
});

test("a log with problems is not sealed: that would vouch for it", async () => {
  const { journal, dir } = openJournal(state, key);
  fill(journal, 50);
  await journal.flush();
  await journal.abandon();
  const bytes = readFileSync(join(dir, "journal.000"));
  bytes[500] = bytes[500]! ^ 1;
  writeFileSync(join(dir, "journal.000"), bytes);
  const recovery = openForRecovery({ dir, run: RUN, key });
  expect(recovery.ok).toBe(false);
  await expect(recovery.seal(1)).rejects.toMatchObject({ code: "INVALID" });
  expect(readdirSync(dir)).not.toContain("checkpoint");
});

test("pages that a power cut lost behind the last head are cut off, kept, and named", async () => {
  const { journal, dir } = openJournal(state, key);
  fill(journal, 300);
  await journal.flush();
  fill(journal, 2000);
  await journal.abandon();
  const place = [...readEntries(dir)].find((entry) => entry.index === 400)!;
  const bytes = readFileSync(join(dir, place.file));
  bytes.fill(0, place.offset - 4, place.offset + 4096);
  writeFileSync(join(dir, place.file), bytes);
  const recovery = openForRecovery({ dir, run: RUN, key });
  expect(recovery).toMatchObject({ ok: false, signedSize: 300, lostFrom: 400 });
  expect((await recovery.seal(1)).size).toBe(401);
  expect(readdirSync(dir)).toContain("damaged.000");
  expect([...readRecords(dir, 400)]).toEqual([expect.objectContaining({ kind: "note", seq: 400 })]);
  expect(verifyRun(dir, { vkey: key.vkey })).toMatchObject({ ok: true, state: "sealed", size: 401 });
});

test("a seal that was killed half way is taken up again", async () => {
  const { journal, dir } = openJournal(state, key);
  fill(journal, 300);
  await journal.abandon();
  mkdirSync(join(dir, "tile/entries"), { recursive: true });
  writeFileSync(join(dir, "tile/entries/000"), "half");
  mkdirSync(join(dir, "tile.building"));
  await openForRecovery({ dir, run: RUN, key }).seal(1);
  expect(verifyRun(dir, { vkey: key.vkey })).toMatchObject({ ok: true, state: "sealed", size: 301 });
  expect((await openForRecovery({ dir, run: RUN, key }).seal(1)).size).toBe(301);
});
