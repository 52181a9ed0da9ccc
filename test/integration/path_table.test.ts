/** Path operations beside the plain kernel: each case of test/victims/path_table.c outside and inside. */
import { expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { unprivilegedObstacle } from "../support/confined.ts";
import { type Case, type Difference, explain, parseCases, readDifferences } from "../support/differences.ts";
import { REFUSED, runPlain, runVictim } from "../support/hostile.ts";

const CASES = 4538;
const SHOWN = 20;

/** Root keeps no capability inside: beside it stands a root without any. */
const BARE = ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"];

test.each([
  ["root", 0],
  ["a user without privileges", NOBODY],
])(
  "path operations give %s the errno, the result and the tree that the kernel gives",
  async (_, owner) => {
    const obstacle = unprivilegedObstacle();
    if (obstacle !== "") return expect(obstacle).toMatch(/^needs /);
    using outside = new Arena(owner);
    using inside = new Arena(owner);
    const within = owner === 0 ? BARE : ["setpriv", `--reuid=${owner}`, `--regid=${owner}`, "--clear-groups"];
    const plainly = async (arena: Arena, what: string): Promise<string> => {
      const options = what === "show" ? {} : { within };
      const { exitCode, stdout, stderr } = await runPlain(arena, "path_table", [what], options);
      expect(exitCode, `${what}: ${stdout.slice(-500)}${stderr}`).toBe(REFUSED);
      return stdout;
    };
    for (const arena of [outside, inside]) await plainly(arena, "prepare");
    const plain = await plainly(outside, "run");
    const run = await runVictim(inside, "path_table", ["run"]);
    expect(run.exitCode, run.stderr).toBe(REFUSED);
    const expected = parseCases(plain, await plainly(outside, "show"));
    const found = parseCases(run.stdout, await plainly(inside, "show"));
    expect(expected.length).toBe(CASES);
    expect(found.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
    const differences = readDifferences();
    const used = new Set<Difference>();
    const unexplained: string[] = [];
    expected.forEach((one, at) => {
      const other = found[at]!;
      if (describe(one) === describe(other)) return;
      const because = explain(one, other, differences);
      if (because !== null) used.add(because);
      else unexplained.push(`${one.name}\n  outside ${describe(one)}\n  inside  ${describe(other)}`);
    });
    expect(unexplained.slice(0, SHOWN).join("\n"), `${unexplained.length} in all`).toBe("");
    // What no longer differs is not to be published as a difference.
    const stale = differences.filter((difference) => !used.has(difference)).map(({ cases }) => cases);
    if (owner === 0) expect(stale).toEqual([]);
  },
  240_000,
);

function describe({ result, mode, flags, rest, tree }: Case): string {
  return [result, mode, flags, rest, tree].join(" ");
}
