import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { binding } from "../../src/platform/binding.ts";
import { errnoName } from "../../src/platform/errno.ts";
import { Arena, NOBODY } from "../support/arena.ts";
import { survivors } from "../support/attack.ts";
import { type Confined, confined, runCommand, unprivilegedObstacle } from "../support/confined.ts";
import { SUCCEEDED } from "../support/hostile.ts";
import { Tools } from "../support/told_apart.ts";

const digestOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
const WATCHED = { watch: "required" };
const executed = (run: Confined) => run.records.filter(({ kind, op }) => kind === "note" && op === "exec");

beforeEach((context) => {
  const probe = binding.probe().find(({ name }) => name === "execution-watch");
  if (probe?.outcome !== "works")
    context.skip(
      `skipped: needs fanotify, this machine has ${probe?.syscall} ${errnoName(probe?.errno ?? 0)}`,
    );
});

async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; !what(); tries++) {
    if (tries > 200) throw new Error("it did not come to be");
    await sleep(50);
  }
}

test("what unmodified programs execute is on record, with the file's owner and digest", async () => {
  using arena = new Arena();
  const tools = new Tools(arena);
  const script = arena.put("workspace/script", "#!/bin/sh\nexec /usr/bin/true\n", 0o755);
  const run = await confined(arena, ["bash", "-c", "./script; /usr/bin/id"], {
    profile: tools.profile({ execution: WATCHED }),
  });
  expect(run.stderr).toContain(" · execution by place, executions seen · ");
  expect(executed(run).map(({ path }) => path)).toEqual([
    "/usr/bin/bash",
    script,
    "/usr/bin/dash",
    "/usr/bin/true",
    "/usr/bin/id",
  ]);
  expect(executed(run).at(-1)).toMatchObject({
    rule: "native.execute",
    extra: { seen: "fanotify", owner: 0, sha256: digestOf("/usr/bin/id") },
  });
});

test("every way to execute a file is seen", async () => {
  using arena = new Arena();
  const tools = new Tools(arena);
  const attacker = tools.put("attacker", "attacker");
  const target = tools.put("target");
  const alias = tools.link(target, "alias");
  const run = await confined(arena, [attacker, target, alias], {
    profile: tools.profile({ execution: WATCHED }),
  });
  expect(run.exitCode, run.stdout).toBe(SUCCEEDED);
  const digest = digestOf(target);
  const seen = executed(run).filter(({ extra }) => extra?.["sha256"] === digest);
  // Directly, by both kinds of link, by descriptor twice, as a copy, and as the interpreter of a script.
  expect(seen.length).toBe(7);
});

test.each([
  ["off", 42],
  ["required", 126],
])(
  "a file that somebody outside changes in place after the start, watch %s: exit %d",
  async (watch, expected) => {
    using arena = new Arena();
    const tools = new Tools(arena);
    const target = tools.put("target");
    const allow = { effect: "allow", rights: ["execute"], reason: "x" };
    const rules = [
      { ...allow, id: "own.system", paths: ["/usr/bin/*"] },
      { ...allow, id: "own.pinned", paths: [target], sha256: [digestOf(target)] },
    ];
    const profile = tools.profile({ execution: { programs: "listed", watch }, rules });
    const script = `touch ready; while [ ! -e go ]; do sleep 0.05; done; ${target} payload`;
    const running = confined(arena, ["dash", "-c", script], { profile });
    await until(() => existsSync(join(arena.workspace, "ready")));
    writeFileSync(target, Buffer.concat([readFileSync(target), Buffer.from("x")]));
    writeFileSync(join(arena.workspace, "go"), "");
    const run = await running;
    expect(run.exitCode, run.stderr).toBe(expected);
    const denied = run.records.filter(({ kind, op }) => kind === "deny" && op === "exec");
    expect(denied.map(({ rule, path }) => `${rule} ${path}`)).toEqual(
      watch === "off" ? [] : [`execution.listed ${target}`],
    );
  },
);

test("a stopped broker keeps only its own run waiting, and a killed one takes the run with it", async () => {
  using arena = new Arena();
  const profile = new Tools(arena).profile({ execution: WATCHED });
  const [program, ...args] = runCommand(
    arena,
    ["dash", "-c", "touch ready; while true; do /usr/bin/true; done"],
    {
      profile,
    },
  );
  const broker = spawn(program!, args, { cwd: arena.workspace, stdio: "ignore" });
  try {
    await until(() => existsSync(join(arena.workspace, "ready")));
    broker.kill("SIGSTOP");
    await sleep(200);
    execFileSync("/usr/bin/true", { timeout: 2000 });
    execFileSync("/usr/bin/dash", ["-c", "/usr/bin/id"], { timeout: 2000 });
    expect(survivors(arena).length).toBeGreaterThan(0);
  } finally {
    broker.kill("SIGKILL");
  }
  await until(() => survivors(arena).length === 0);
  execFileSync("/usr/bin/true", { timeout: 2000 });
});

test("without privileges the start line says that nothing is seen, and a profile that requires it starts nothing", async (context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  using arena = new Arena(NOBODY);
  const tools = new Tools(arena);
  const possible = await confined(arena, ["true"], {
    profile: tools.profile({ execution: { watch: "where-possible" } }),
  });
  expect(possible.exitCode).toBe(0);
  expect(possible.stderr).toContain("executions not seen (unshare: EPERM)");
  const required = await confined(arena, ["true"], { profile: tools.profile({ execution: WATCHED }) });
  expect(required.exitCode).toBe(125);
  expect(required.stderr).toContain("run as root, or write where-possible");
});
