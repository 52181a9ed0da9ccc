/** A journal whose process is killed at a random moment loses no record that was acknowledged. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLogKey } from "../../src/audit/key.ts";
import { readRecords } from "../../src/audit/read.ts";
import { openForRecovery } from "../../src/audit/recovery.ts";
import { verifyRun } from "../../src/audit/verify.ts";

const KILLS = 50;
const ROOT = join(import.meta.dirname, "../..");
const ADDON = join(ROOT, "build/Release/sallyport.node");
const scratch = mkdtempSync(join(tmpdir(), "sallyport-crash-"));
if (!existsSync(ADDON)) console.log("skipped: needs the addon");

// Node 20 runs no TypeScript: the child is compiled.
beforeAll(() => {
  const config = [
    "--outDir",
    join(scratch, "out"),
    "--rootDir",
    ROOT,
    "--noEmit",
    "false",
    "--declaration",
    "false",
  ];
  const options =
    "--target es2023 --module nodenext --rewriteRelativeImportExtensions --skipLibCheck --isolatedDeclarations false";
  const sources = [join(ROOT, "test/support/journal_writer.ts"), "--ignoreConfig", "--types", "node"];
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), [...sources, ...config, ...options.split(" ")], {
    cwd: ROOT,
    stdio: "inherit",
  });
  symlinkSync(join(ROOT, "package.json"), join(scratch, "out/package.json"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function writeUntilKilled(state: string, afterMs: number, backend: string): Promise<number> {
  const child = spawn(
    process.execPath,
    [join(scratch, "out/test/support/journal_writer.js"), state, backend],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let acknowledged = "";
  let isArmed = false;
  child.stdout.on("data", (data: Buffer) => {
    acknowledged = (acknowledged + data.toString("latin1")).slice(-64);
    if (isArmed) return;
    isArmed = true;
    setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
  await new Promise((done) => child.on("close", done));
  return Number(acknowledged.split("\n").at(-2));
}

test.each([
  ["write", true],
  ["mapped", existsSync(ADDON)],
] as const)(
  "%s backend: no acknowledged record is lost, the log recovers and verifies",
  { timeout: 120_000 },
  async (backend, isThere) => {
    if (!isThere) return;
    let longest = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const state = join(scratch, `${backend}${kill}`);
      const key = openLogKey(state);
      const acknowledged = await writeUntilKilled(state, Math.random() * 60, backend);
      const dir = join(state, "runs/r1/log");
      const recovery = openForRecovery({ dir, run: "r1", key });
      expect(recovery.problems).toEqual([]);
      expect(recovery.size).toBeGreaterThan(acknowledged);
      expect((await recovery.seal(1)).size).toBe(recovery.size + 1);
      expect(verifyRun(dir, { vkey: key.vkey })).toMatchObject({ ok: true, state: "sealed" });
      let seq = 0;
      for (const record of readRecords(dir)) expect(record.seq).toBe(seq++);
      longest = Math.max(longest, seq);
      rmSync(state, { recursive: true });
    }
    // Otherwise the kills all came before anything happened.
    expect(longest).toBeGreaterThan(300);
  },
);
