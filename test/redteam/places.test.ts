import { mkdirSync, openSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadProfile } from "../../src/broker/profiles.ts";
import { startRun } from "../../src/broker/run.ts";
import type { RunEnd } from "../../src/broker/run_facts.ts";
import { Arena } from "../support/arena.ts";
import { SALLYPORT } from "../support/confined.ts";
import { execute } from "../support/process.ts";

/** A run whose user database names the home by a link, as where /home is one. */
async function runAtLinkedHome(arena: Arena, workspace: string, argv: string[]): Promise<RunEnd> {
  const home = join(arena.root, "link");
  symlinkSync(arena.home, home);
  const nothing = openSync("/dev/null", "r+");
  const run = await startRun({
    profile: loadProfile(":workspace"),
    workspace,
    argv,
    environment: process.env,
    reads: [arena.home],
    state: arena.state,
    home,
    stdio: [nothing, nothing, nothing],
    terminalIndex: -1,
  });
  return run.ended;
}

test("a key in a home that the user database names by a link: is refused by the broker", async () => {
  using arena = new Arena();
  const key = arena.put("home/.ssh/config", "Host secret\n");
  const end = await runAtLinkedHome(arena, arena.workspace, ["cat", key]);
  expect(end.exitCode).toBe(1);
  expect(end.denied.map(({ denial }) => denial.rule)).toContain("secrets.home");
});

test("a home that the user database names by a link, as workspace: is refused", async () => {
  using arena = new Arena();
  await expect(runAtLinkedHome(arena, arena.home, ["true"])).rejects.toThrow(/home/);
});

for (const name of ["*", "out*"]) {
  test(`what lies beside a workspace that is called "${name}": is refused`, async () => {
    using arena = new Arena();
    const workspace = join(arena.root, name);
    mkdirSync(workspace);
    const command = ["run", "--state", arena.state, "--reads", "native", "--", "cat", "../outside/secret"];
    const run = await execute([...SALLYPORT, ...command], { cwd: workspace });
    expect(run.stdout).toBe("");
    expect(run.exitCode, run.stderr).toBe(1);
  });
}

test("a read of a link that leads to what is denied: is refused, with native reads too", async () => {
  using arena = new Arena();
  arena.put("state/secret", "secret\n", 0o600);
  symlinkSync(arena.state, join(arena.workspace, "vendor"));
  const command = ["--reads", "native", "--read", "vendor", "--", "cat", "vendor/secret"];
  const run = await execute([...SALLYPORT, "run", "--state", arena.state, ...command], {
    cwd: arena.workspace,
  });
  expect(run.stdout).toBe("");
  expect(run.exitCode, run.stderr).toBe(1);
});
