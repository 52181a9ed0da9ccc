import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { type Confined, confined, unprivilegedObstacle } from "../support/confined.ts";
import { REFUSED, SUCCEEDED } from "../support/hostile.ts";
import { Tools } from "../support/told_apart.ts";

const digestOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
const WAYS = [
  "directly",
  "hard link",
  "symbolic link",
  "descriptor",
  "/proc/self/fd",
  "copy",
  "script",
  "loader",
];

type Rules = (tools: Tools, target: string) => object;
const attacker = (tools: Tools): object => ({
  id: "own.attacker",
  effect: "allow",
  rights: ["execute"],
  paths: [`${tools.directory}/attacker`],
  reason: "What attacks",
});

/** What tells the target apart from the attacker, by each of the ways that a profile has. */
const REFUSALS: readonly (readonly [string, string, Rules, refused: readonly string[]])[] = [
  ["an interpreter by its name", "python3.11", () => ({ execution: { interpreters: "refused" } }), WAYS],
  [
    "a program of another owner",
    "target",
    (tools) => ({
      execution: { programs: "listed" },
      rules: [
        attacker(tools),
        { ...attacker(tools), id: "own.others", paths: [`${tools.directory}/*`], owner: [4711] },
      ],
    }),
    WAYS,
  ],
  [
    "a program with another digest",
    "target",
    (tools) => ({
      execution: { programs: "listed" },
      rules: [
        attacker(tools),
        { ...attacker(tools), id: "own.pinned", paths: [`${tools.directory}/*`], sha256: ["0".repeat(64)] },
      ],
    }),
    WAYS,
  ],
  [
    "a program of a denied path",
    "target",
    (tools, target) => ({ rules: [{ ...attacker(tools), effect: "deny", paths: [target] }] }),
    // The workspace is no place where programs are told apart: what the run writes there it may execute.
    WAYS.filter((way) => way !== "copy"),
  ],
];

async function attackOn(arena: Arena, name: string, rules: Rules): Promise<{ run: Confined; said: string }> {
  const tools = new Tools(arena);
  const program = tools.put("attacker", "attacker");
  const target = tools.put(name);
  const alias = tools.link(target, "alias");
  const profile = tools.profile(rules(tools, target));
  const run = await confined(arena, [program, target, alias], { profile });
  return { run, said: `${run.stdout}${run.stderr}` };
}

for (const owner of [process.geteuid!(), NOBODY]) {
  const who = owner === NOBODY ? "a user without privileges" : "root";

  test.each(REFUSALS)(`${who}: %s is executed in no way`, async (_what, name, rules, refused) => {
    using arena = new Arena(owner);
    const { run, said } = await attackOn(arena, name, rules);
    expect(run.exitCode, said).toBe(refused === WAYS ? REFUSED : SUCCEEDED);
    for (const way of refused) expect(run.stdout).toContain(`${way} EACCES`);
    expect(run.records.some(({ kind, rule }) => kind === "deny" && rule === "execution.loader")).toBe(true);
  });

  test(`${who}: without such a rule every way works`, async () => {
    using arena = new Arena(owner);
    const { run, said } = await attackOn(arena, "python3.11", () => ({}));
    expect(run.exitCode, said).toBe(SUCCEEDED);
    for (const way of WAYS) expect(run.stdout).toContain(`${way} WORKED`);
  });
}

beforeEach((context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
});

test("a copy of an interpreter under another name counts as the interpreter", async () => {
  using arena = new Arena();
  const tools = new Tools(arena);
  tools.put("python3.11");
  const same = tools.put("harmless");
  expect(digestOf(same)).toBe(digestOf(`${tools.directory}/python3.11`));
  const other = tools.put("attacker", "attacker");
  const profile = tools.profile({ execution: { interpreters: "refused" } });
  const run = await confined(arena, [other, same, same], { profile });
  expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
});

test("a program that may be executed is not written through another of its names", async () => {
  using arena = new Arena();
  const tools = new Tools(arena);
  const shell = ["/usr/bin/dash", "-c"];
  const target = tools.put("target");
  tools.link(target, "../workspace/alias");
  const rules = [{ ...attacker(tools), effect: "deny", paths: [`${tools.directory}/nothing`] }];
  const before = digestOf(target);
  const run = await confined(arena, [...shell, "echo x > alias; : >> alias; exit 0"], {
    profile: tools.profile({ rules }),
  });
  expect(digestOf(target), run.stderr).toBe(before);
  const denials = run.records.filter(({ rule }) => rule === "execution.granted");
  expect(denials.length).toBe(2);
});
