/** What a profile limits: budgets, rates that refuse, and how long a frozen run waits for somebody. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { type Confined, confined } from "../support/confined.ts";
import { LiveRun, until } from "../support/live_run.ts";

const PYTHON = "/usr/bin/python3";

function profileWith(arena: Arena, limits: string): string {
  return arena.put(
    "home/limited.yaml",
    `name: limited\nversion: 1\ndescription: Limited\nextends: [":workspace"]\n${limits}\n`,
  );
}

/** Runs Python in which `act(n)` is tried 20 times; prints the errno of each, 0 where it went well. */
async function tried(arena: Arena, limits: string, act: string): Promise<Confined & { errnos: string[] }> {
  const script = `import os
def act(n):
  ${act}
for n in range(20):
  try: act(n); print(0)
  except OSError as e: print(e.errno)`;
  const run = await confined(arena, [PYTHON, "-c", script], { profile: profileWith(arena, limits) });
  return { ...run, errnos: run.stdout.split("\n").slice(0, 20) };
}

const EDQUOT = "122";
const EAGAIN = "11";

const QUOTAS: readonly [name: string, quota: string, act: string, fits: number][] = [
  ["files that are written", "files: 5", 'open("f%d" % n, "w").close()', 5],
  ["files that are made otherwise", "files: 5", 'os.symlink("x", "s%d" % n)', 5],
  ["a file that is written again", "files: 5", 'open("f", "w").close()', 20],
  ["deletes", "deletes: 5", 'os.unlink("old%d" % n)', 5],
  ["renames", "deletes: 5", 'os.rename("old%d" % n, "n%d" % n)', 5],
  ["deletes that fail anyway", "deletes: 5", 'os.rmdir("old%d" % n) if n else None', 1],
  ["bytes that are read", "bytesRead: 350", 'open("old%d" % n).read()', 3],
];

describe("a quota", () => {
  test.each(QUOTAS)("of %s is %s", async (name, quota, act, fits) => {
    using arena = new Arena();
    for (let at = 0; at < 20; at++) arena.put(`workspace/old${at}`, "x".repeat(100));
    const run = await tried(arena, `quotas: { ${quota} }`, act);
    if (name === "deletes that fail anyway") {
      // ENOTDIR takes nothing: the answer of the kernel stays what it is.
      expect(run.errnos.slice(1).every((errno) => errno === "20")).toBe(true);
      expect(run.report?.denials).toBe(0);
      return;
    }
    expect(run.errnos.filter((errno) => errno === "0").length, run.stderr).toBe(fits);
    expect(run.errnos.filter((errno) => errno === EDQUOT).length).toBe(20 - fits);
    const refused = run.report?.denied ?? [];
    if (fits === 20) return expect(refused).toEqual([]);
    expect(refused[0]).toMatchObject({ layer: "limit", rule: "limit.quota", retryable: false });
    expect(refused[0]?.reason).toContain(`${quota.split(" ")[1]} of run.${quota.split(":")[0]} in all`);
    const denied = run.records.filter(({ kind, rule }) => kind === "deny" && rule === "limit.quota");
    expect(denied.length).toBe(20 - fits);
    expect(denied[0]?.errno).toBe("EDQUOT");
  });

  test("is one for all processes of the run", async () => {
    using arena = new Arena();
    const script = `import os
pids = []
for c in range(4):
  pid = os.fork()
  if pid == 0:
    os.setsid()
    done = 0
    for n in range(10):
      try: open("f%d-%d" % (c, n), "w").close(); done += 1
      except OSError: pass
    os._exit(done)
  pids.append(pid)
print(sum(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids))`;
    const profile = profileWith(arena, "quotas: { files: 15 }");
    const run = await confined(arena, [PYTHON, "-c", script], { profile });
    expect(run.stdout).toBe("15\n");
    expect(readdirSync(arena.workspace).filter((name) => name.startsWith("f")).length).toBe(15);
  });

  test("of bytes written refuses a further open, and stops what writes on through one that it has", async () => {
    using arena = new Arena();
    const again = `open("f%d" % n, "wb").write(b"x" * 100000)`;
    const run = await tried(arena, "quotas: { bytesWritten: 350000 }", again);
    const done = run.errnos.filter((errno) => errno === "0").length;
    // A file is looked at when it is opened again, or within a second: that much comes through.
    expect(done).toBeGreaterThanOrEqual(4);
    using other = new Arena();
    const script = `import time
f = open("f", "wb", 0)
while True: f.write(b"x" * 100000); time.sleep(0.05)`;
    await using live = new LiveRun(other, [PYTHON, "-c", script], {
      profile: profileWith(other, "quotas: { bytesWritten: 350000 }"),
    });
    await until(() => live.event("frozen") !== undefined, "the stop");
    expect(live.event("frozen")).toMatchObject({ by: "quota", breaker: "bytesWritten" });
    await live.say("kill");
    expect(await live.ended).toBe(123);
  });

  test("of uses ends with everything refused", async () => {
    using arena = new Arena();
    const run = await confined(arena, ["bash", "-c", "for i in {1..400}; do echo > f; done; echo end"], {
      profile: profileWith(arena, "quotas: { uses: 200 }"),
    });
    expect(run.stdout).toBe("end\n");
    // What failed has used nothing.
    expect(run.records.filter(({ kind, errno }) => kind === "outcome" && errno === undefined).length).toBe(
      200,
    );
    expect(run.stderr).toContain("Disk quota exceeded");
  });
});

test("above a rate that refuses a call fails with EAGAIN, and is told when to try again", async () => {
  using arena = new Arena();
  const limits = "limits: { delete: { perSecond: 1, burst: 5, above: refuse } }";
  for (let at = 0; at < 20; at++) arena.put(`workspace/old${at}`, "");
  const run = await tried(arena, limits, 'os.unlink("old%d" % n)');
  expect(run.errnos.slice(0, 5)).toEqual(["0", "0", "0", "0", "0"]);
  expect(run.errnos.filter((errno) => errno === EAGAIN).length).toBeGreaterThan(10);
  const [denied] = run.report?.denied ?? [];
  expect(denied).toMatchObject({ rule: "limit.rate" });
  expect(denied).toMatchObject({ layer: "limit", retryable: true, retry_after_ms: expect.any(Number) });
});

test("above a rate that waits nothing fails", async () => {
  using arena = new Arena();
  for (let at = 0; at < 20; at++) arena.put(`workspace/old${at}`, "");
  const limits = "limits: { delete: { perSecond: 20, burst: 5 } }";
  const started = performance.now();
  const run = await tried(arena, limits, 'os.unlink("old%d" % n)');
  expect(run.errnos.every((errno) => errno === "0")).toBe(true);
  expect(performance.now() - started).toBeGreaterThan(700);
  expect(run.report?.denials).toBe(0);
});

test("a frozen run without a terminal is ended when nobody resumes it in time", async () => {
  using arena = new Arena();
  const profile = profileWith(arena, "breakers: { deletes: { count: 5, seconds: 60 }, endAfterSeconds: 1 }");
  for (let at = 0; at < 20; at++) arena.put(`workspace/old${at}`, "");
  const run = await confined(arena, ["bash", "-c", "rm old*; sleep 100"], { profile });
  expect(run.exitCode).toBe(123);
  expect(run.report).toMatchObject({
    exitCode: 123,
    outcome: expect.stringMatching(/^ended by time: nobody resumed it within 1 s after: 5 deleted files/),
  });
  // What came after the stop did not happen.
  expect(existsSync(join(arena.workspace, "old9"))).toBe(true);
});
