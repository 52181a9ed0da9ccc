import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";

const LINE =
  /^sallyport: (\w.*) brings its own sandbox, which a run refuses: (.*) \(it stays confined by this run\)$/m;

test("a program that brings its own sandbox is told of when it starts, unless it was told to do without", async () => {
  using arena = new Arena();
  arena.put("workspace/bin/chrome", "#!/bin/sh\nexit 0\n", 0o755);
  arena.put("workspace/bin/codex.js", "#!/bin/sh\nexit 0\n", 0o755);
  arena.put("workspace/bin/other", "#!/bin/sh\nexit 0\n", 0o755);
  const said = async (...command: string[]) =>
    LINE.exec((await confined(arena, command)).stderr)?.slice(1, 3);
  expect(await said("bin/chrome")).toEqual(["Chromium", "start it with --no-sandbox"]);
  expect(await said("bin/codex.js")).toEqual(["Codex", "start it with --sandbox danger-full-access"]);
  expect(await said("bin/chrome", "--no-sandbox")).toBe(undefined);
  expect(await said("bin/other")).toBe(undefined);
});

test("a namespace that such a program is refused says what to do, of the outermost one", async (context) => {
  if (!existsSync("/usr/bin/bwrap")) context.skip("skipped: needs bwrap, this machine has none");
  using arena = new Arena();
  arena.put("workspace/claude", "#!/bin/bash\nbwrap --ro-bind / / true; exit 7\n", 0o755);
  const inner = await confined(arena, ["bash", "-c", "bwrap --ro-bind / / true; unshare -U true; exit 7"]);
  expect(inner.exitCode).toBe(7);
  const steps = inner.report?.denied.map(({ rule, next_steps: nextSteps }) => [
    rule.split(".")[0],
    nextSteps[0]?.split(" brings")[0],
  ]);
  expect(steps).toEqual(expect.arrayContaining([["namespace", "bubblewrap"]]));
  const outer = await confined(arena, ["bash", "-c", "./claude; exit 7"]);
  const [denial] = outer.report?.denied.filter(({ rule }) => rule.startsWith("namespace.")) ?? [];
  expect(denial?.next_steps.join()).toMatch(/^Claude Code brings its own sandbox.*sandbox\.enabled to false/);
});
