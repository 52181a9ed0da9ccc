import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signCheckpoint } from "../../../src/audit/checkpoint.ts";
import { originOf } from "../../../src/audit/journal.ts";
import { ephemeralLogKey } from "../../../src/audit/key.ts";
import { proveRecord, verifyProof } from "../../../src/audit/proof_file.ts";
import { readEntries, readRecords } from "../../../src/audit/read.ts";
import { serializeRecord } from "../../../src/audit/record.ts";
import { decodeBundle, encodeBundle } from "../../../src/audit/tiles.ts";
import { type VerifyResult, verifyRun } from "../../../src/audit/verify.ts";
import { fill, openJournal, RUN, START_MS, temporaryState } from "../../support/audit_log.ts";

const SIZE = 300;
const key = ephemeralLogKey();
const { state, remove } = temporaryState();
const sealed = join(state, "runs", RUN, "log");
const work = join(state, "work");
let heads: string[] = [];

beforeAll(async () => {
  const { journal } = openJournal(state, key);
  fill(journal, 100);
  heads = [(await journal.flush()).text];
  fill(journal, SIZE);
  heads.push((await journal.close()).text);
});
afterAll(remove);

const verify = (dir = work, given: string[] = []): VerifyResult =>
  verifyRun(dir, { vkey: key.vkey, run: RUN, heads: given });
const copy = (): void => {
  rmSync(work, { recursive: true, force: true });
  cpSync(sealed, work, { recursive: true });
};
const filesOf = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(dir, name)).isFile(),
  );
const bundle = "tile/entries/000";

describe("a sealed log", () => {
  test("verifies, has no segments, and reads back", () => {
    expect(verify(sealed, heads)).toMatchObject({
      ok: true,
      state: "sealed",
      size: SIZE,
      signedSize: SIZE,
      problems: [],
    });
    expect(filesOf(sealed).sort()).toEqual([
      "checkpoint",
      "checkpoints",
      "tile/0/000",
      "tile/0/001.p/44",
      "tile/1/000.p/1",
      "tile/entries/000",
      "tile/entries/001.p/44",
    ]);
    expect([...readRecords(sealed)].map((r) => r.seq)).toEqual(Array.from({ length: SIZE }, (_, i) => i));
    expect([...readRecords(sealed, 299)].map((r) => r.seq)).toEqual([299]);
  });

  test("a flipped bit in any byte of a file is found in that file, an entry at its index", () => {
    let flips = 0;
    for (const file of filesOf(sealed)) {
      copy();
      const good = readFileSync(join(work, file));
      const starts = file.includes("entries") ? [...decodeBundle(good)].map(({ offset }) => offset - 2) : [];
      // Every byte of the small files; entries are many and alike.
      const stride = good.length > 5000 ? 61 : 7;
      for (let at = 0; at < good.length; at += stride) {
        const bad = Buffer.from(good);
        bad[at] = bad[at]! ^ (1 << (flips++ % 8));
        writeFileSync(join(work, file), bad);
        const { ok, problems } = verify();
        const found = problems.filter((p) => p.file === file);
        expect({ file, at, ok, found: found.length > 0 }).toEqual({ file, at, ok: false, found: true });
        if (starts.length > 0) {
          const index = (file.endsWith("44") ? 256 : 0) + starts.findLastIndex((start) => start <= at);
          expect({ at, index: problems[0]!.index }).toEqual({ at, index });
        } else if (file.startsWith("tile/")) {
          expect(problems).toEqual([expect.objectContaining({ kind: "tile", file, offset: at })]);
        }
      }
    }
    expect(flips).toBeGreaterThan(1200);
  }, 60_000);

  test("a dropped, a swapped and an added record are located", () => {
    const entries = [...decodeBundle(readFileSync(join(sealed, bundle)))].map(({ bytes }) => bytes);
    const tamper = (change: (list: Buffer[]) => void): VerifyResult => {
      copy();
      const list = [...entries];
      change(list);
      writeFileSync(join(work, bundle), encodeBundle(list));
      return verify();
    };
    expect(tamper((list) => list.splice(77, 1)).problems[0]).toMatchObject({ index: 77, file: bundle });
    const swapped = tamper((list) => list.splice(50, 2, list[51]!, list[50]!)).problems;
    expect(swapped.filter((p) => p.kind === "order").map((p) => p.index)).toEqual(
      expect.arrayContaining([50, 51]),
    );
    expect(tamper((list) => list.push(list[0]!)).problems[0]).toMatchObject({ kind: "entry", index: 256 });
  });

  test("missing and foreign files are reported", () => {
    for (const file of filesOf(sealed)) {
      copy();
      rmSync(join(work, file));
      expect({ file, ok: verify().ok }).toEqual({ file, ok: false });
    }
    copy();
    writeFileSync(join(work, "tile/0/002"), "");
    expect(verify().problems).toEqual([expect.objectContaining({ kind: "extra", file: "tile/0/002" })]);
  });

  test("another key, and a head of another log, are refused", () => {
    copy();
    const other = ephemeralLogKey();
    expect(verifyRun(work, { vkey: other.vkey, run: RUN }).ok).toBe(false);
    expect(verifyRun(work, { vkey: key.vkey, run: "r2" }).ok).toBe(false);
    const foreign = signCheckpoint(key, originOf(key, "r2"), 5, Buffer.alloc(32)).text;
    expect(verify(work, [foreign]).problems[0]).toMatchObject({ kind: "head" });
  });

  test("proofs of records verify without the log, and only for their record", () => {
    const entries = [...readEntries(sealed)];
    for (const { index, bytes } of entries) {
      const proof = proveRecord(sealed, index, key.vkey);
      expect(verifyProof(proof, bytes, key.vkey)).toMatchObject({ index, checkpoint: { size: SIZE } });
      expect(() => verifyProof(proof, entries[(index + 1) % SIZE]!.bytes, key.vkey)).toThrow();
    }
    expect(() => proveRecord(sealed, SIZE, key.vkey)).toThrowError(
      expect.objectContaining({ code: "NOT_FOUND" }),
    );
  });
});

/** What the holder of the key could write: a whole log that is consistent in itself. */
async function forge(count: number, change: (seq: number) => string | undefined): Promise<void> {
  rmSync(join(state, "forged"), { recursive: true, force: true });
  const { journal, dir } = openJournal(join(state, "forged"), key);
  const real = [...readEntries(sealed)].map(({ bytes }) => bytes);
  for (let seq = 0; seq < count; seq++) journal.append(change(seq) ?? real[seq]!);
  await journal.close();
  rmSync(work, { recursive: true, force: true });
  cpSync(dir, work, { recursive: true });
}

describe("a log that its key holder wrote again", () => {
  test("a tail cut behind a published head is found by that head", async () => {
    await forge(250, () => undefined);
    expect(verify(work, [heads[0]!]).ok).toBe(true);
    expect(verify(work, heads).problems).toEqual([expect.objectContaining({ kind: "cut", index: 250 })]);
  });

  test("a changed record is placed between two published heads", async () => {
    const note = (seq: number): string =>
      serializeRecord({ v: 1, kind: "note", seq, time: START_MS, run: RUN });
    await forge(SIZE, (seq) => (seq === 200 ? note(seq) : undefined));
    const { problems } = verify(work, heads);
    expect(problems.filter((p) => p.kind === "rewritten")).toEqual([expect.objectContaining({ index: 100 })]);
  });

  test("an outcome without an open intent before it is located", async () => {
    const outcome = (seq: number, intent: number): string =>
      serializeRecord({ v: 1, kind: "outcome", seq, time: START_MS, run: RUN, intent });
    for (const intent of [0, 1, 20, 21]) {
      await forge(21, (seq) => (seq === 20 ? outcome(seq, intent) : undefined));
      expect(verify().problems).toEqual([expect.objectContaining({ kind: "order", index: 20 })]);
    }
  });
});

describe("an unsealed log", () => {
  const unsealed = join(state, "unsealed", "runs", RUN, "log");
  beforeAll(async () => {
    const { journal } = openJournal(join(state, "unsealed"), key);
    fill(journal, 40);
    await journal.flush();
    fill(journal, 60);
    await journal.flush();
    await journal.abandon();
  });
  const copyUnsealed = (): void => {
    rmSync(work, { recursive: true, force: true });
    cpSync(unsealed, work, { recursive: true });
  };

  test("verifies and proves", () => {
    expect(verify(unsealed)).toMatchObject({
      ok: true,
      state: "unsealed",
      size: 60,
      signedSize: 60,
      tornBytes: 0,
    });
    const entry = [...readEntries(unsealed)][33]!;
    expect(verifyProof(proveRecord(unsealed, 33, key.vkey), entry.bytes, key.vkey).index).toBe(33);
    expect(existsSync(join(unsealed, "checkpoint"))).toBe(false);
  });

  test("every flipped byte of segment and heads is found", () => {
    for (const file of filesOf(unsealed)) {
      copyUnsealed();
      const good = readFileSync(join(work, file));
      for (let at = 0; at < good.length; at += 5) {
        const bad = Buffer.from(good);
        bad[at] = bad[at]! ^ (1 << (at % 8));
        writeFileSync(join(work, file), bad);
        const result = verify();
        // The end of the last line of heads: half a line, as a killed broker leaves it.
        const ok = result.ok && result.signedSize === 60;
        expect({ file, at, ok }).toEqual({ file, at, ok: false });
      }
    }
  }, 60_000);

  test("a cut segment is located by its own heads, a torn tail is not an alarm", () => {
    copyUnsealed();
    const good = readFileSync(join(work, "journal.000"));
    const { offset } = [...readEntries(unsealed)][50]!;
    writeFileSync(join(work, "journal.000"), good.subarray(0, offset - 4));
    expect(verify().problems).toEqual([expect.objectContaining({ kind: "cut", index: 50 })]);
    writeFileSync(
      join(work, "journal.000"),
      Buffer.concat([good, Buffer.alloc(4), Buffer.from('{"agent'), Buffer.alloc(64)]),
    );
    expect(verify()).toMatchObject({ ok: true, size: 60, tornBytes: 11 });
    const hidden = Buffer.concat([good.subarray(0, offset - 4), Buffer.alloc(4), good.subarray(offset)]);
    writeFileSync(join(work, "journal.000"), hidden);
    expect(verify().problems[0]).toMatchObject({ kind: "segment", file: "journal.000" });
  });
});
