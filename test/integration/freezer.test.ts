import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";

/** Where the unified hierarchy is mounted, or "". */
function cgroupRoot(): string {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return mounts.find((line) => line.includes(" - cgroup2 "))?.split(" ")[4] ?? "";
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${what} did not come about`);
}

test("a program that is frozen while the broker serves it is answered, and goes on when it is thawed", async (context) => {
  const root = cgroupRoot();
  if (root === "" || process.geteuid!() !== 0) {
    context.skip(
      `skipped: needs root and cgroup v2, this machine has uid ${process.geteuid!()} and "${root}"`,
    );
  }
  using arena = new Arena();
  const group = join(root, `sallyport-test-${process.pid}`);
  const control = (name: string): string => join(group, name);
  const frozen = (): boolean => readFileSync(control("cgroup.events"), "utf8").includes("frozen 1");
  mkdirSync(group);
  try {
    let pid = "";
    const ended = confined(arena, ["sh", "-c", "mkfifo pipe; echo $$; exec 3> pipe; echo opened; exit 7"], {
      started: (child) => child.stdout?.once("data", (chunk: Buffer) => (pid = chunk.toString().trim())),
    });
    await until(() => pid !== "" && existsSync(join(arena.workspace, "pipe")), "the open of the FIFO");
    writeFileSync(control("cgroup.procs"), pid);
    writeFileSync(control("cgroup.freeze"), "1");
    const reader = openSync(join(arena.workspace, "pipe"), "r");
    await until(frozen, "the freeze");
    writeFileSync(control("cgroup.freeze"), "0");
    const run = await ended;
    closeSync(reader);
    expect(run.exitCode, run.stderr).toBe(7);
    expect(run.stdout).toBe(`${pid}\nopened\n`);
  } finally {
    await until(() => readFileSync(control("cgroup.procs"), "utf8") === "", "the end of the program");
    rmdirSync(group);
  }
});
