/** A sub-agent that was frozen goes on alone, or is ended alone, by the control socket of its run. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { recordsOf, sallyport } from "../support/confined.ts";
import { path } from "../support/sessions.ts";
import { revokeIn, startWith, until } from "../support/token_run.ts";
import { presentable } from "../support/tokens.ts";

const PYTHON = "/usr/bin/python3";

test("one of two sub-agents is frozen by its revocation, resumed alone, and has the floor alone", async () => {
  using arena = new Arena();
  arena.put("workspace/mine/a.md", "of the child\n");
  copyFileSync(new URL("../support/agent.py", import.meta.url), join(arena.workspace, "mine/agent.py"));
  const load =
    'import sys; sys.path.insert(0, "mine"); sys.dont_write_bytecode = True\nfrom agent import *\nimport os, time\n';
  arena.put(
    "workspace/mine/child.py",
    `${load}name = sys.argv[1]\nwhile True:\n    say(name, attempt(lambda: open("mine/a.md")))\n    time.sleep(0.02)\n`,
  );
  const grants = ["read", "list"].map((action) => path(action as "read", `${arena.workspace}/mine/**`));
  const tokenOf = (id: string): string => presentable(id, grants, null, { onRevoke: "freeze" });
  arena.put(
    "workspace/mine/parent.py",
    `${load}broker = Broker()
for name, token in ${JSON.stringify([
      ["one", tokenOf("one")],
      ["two", tokenOf("two")],
    ])}:
    broker.launch(broker.present(token), [${JSON.stringify(PYTHON)}, "mine/child.py", name], fds=[0, 1, 2])
time.sleep(60)
`,
  );
  const started = await startWith(arena, [PYTHON, "mine/parent.py"]);
  const run = started.run.id;
  const count = (text: string): number =>
    started
      .said()
      .split("\n")
      .filter((line) => line === text).length;
  const more = async (text: string): Promise<void> => {
    const before = count(text);
    await until(`${text} is said again`, () => count(text) > before + 3);
  };
  /** "" or why not, by the command line. */
  const ask = async (verb: string, agent?: string): Promise<string> => {
    const about = agent === undefined ? [] : ["--agent", agent];
    const asked = await sallyport(arena, [verb, run, ...about, "--state", arena.state]);
    return asked.exitCode === 0 ? "" : asked.stderr;
  };
  await more("one ok");
  await more("two ok");
  expect(await ask("resume", "one")).toContain("it is not frozen");
  expect(await ask("freeze", "three")).toContain('no sub-agent of this run has the capability "three"');

  await revokeIn(arena, "id", "one");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const stood = started
    .said()
    .split("\n")
    .filter((line) => line.startsWith("one")).length;
  await more("two ok");
  await more("two ok");
  expect(
    started
      .said()
      .split("\n")
      .filter((line) => line.startsWith("one")),
  ).toHaveLength(stood);

  const seen = await sallyport(arena, ["runs", "--json", "--state", arena.state]);
  const { state, agents } = JSON.parse(seen.stdout) as { state: string; agents: { capability: string }[] };
  expect(state).toBe("running");
  expect(agents.sort((a, b) => (a.capability < b.capability ? -1 : 1))).toMatchObject([
    { capability: "one", state: "frozen", by: "revocation" },
    { capability: "two", state: "running" },
  ]);
  const told = await sallyport(arena, ["runs", "--state", arena.state]);
  expect(told.stdout).toMatch(/ · agent of capability one · frozen since .*Z \(/);

  // A run that stands still keeps all of its processes still.
  expect(await ask("freeze")).toBe("");
  expect(await ask("resume", "one")).toContain("the run is frozen");
  expect(await ask("resume")).toBe("");
  await more("two ok");
  expect(
    started
      .said()
      .split("\n")
      .filter((line) => line.startsWith("one")),
  ).toHaveLength(stood);

  expect(await ask("resume", "one")).toBe("");
  await more("one EACCES");
  expect(await ask("freeze", "two")).toBe("");
  const two = count("two ok");
  await more("one EACCES");
  expect(count("two ok")).toBe(two);
  expect(await ask("kill", "one")).toBe("");
  expect(await ask("resume", "two")).toBe("");
  await more("two ok");
  const one = count("one EACCES");
  await more("two ok");
  expect(count("one EACCES")).toBe(one);
  started.run.signal("SIGKILL");
  await started.finished();
  const contained = (await recordsOf(arena, run)).flatMap(({ extra }) =>
    extra?.["contained"] === undefined || extra["agent"] === undefined
      ? []
      : [`${extra["agent"]} ${extra["contained"]} ${extra["by"]}`],
  );
  expect(contained).toEqual([
    "one frozen revocation",
    "one resumed person",
    "two frozen person",
    "one killed person",
    "two resumed person",
  ]);
});
