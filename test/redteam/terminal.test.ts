import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { runCommand } from "../support/confined.ts";
import { placeVictim, REFUSED, SUCCEEDED } from "../support/hostile.ts";
import { onTerminal, type Step, terminalObstacle } from "../support/terminal.ts";

const NO_INPUT = ["/bin/sh", "-c", 'exec "$@" < /dev/null', "sh"];

type Terminal = {
  readonly victim: string;
  readonly steps: readonly Step[];
  /** Starts the command that follows, with other standard streams than the terminal. */
  readonly within: readonly string[];
};

/** How a victim ends on a terminal, inside a run or with nothing around it. */
async function ends({ victim, steps, within }: Terminal, how: "inside" | "outside"): Promise<number> {
  using arena = new Arena();
  const program = placeVictim(arena, victim);
  const command = how === "inside" ? runCommand(arena, [program]) : [program];
  const { exitCode, output } = await onTerminal([...within, ...command], steps, { cwd: arena.workspace });
  expect([REFUSED, SUCCEEDED], output).toContain(exitCode);
  return exitCode;
}

for (const [streams, within] of [
  ["with a terminal of its own", []],
  ["without a terminal", ["/bin/sh", "-c", 'exec "$@" < /dev/null > out 2>&1', "sh"]],
] as const) {
  test(`a run ${streams} opens the person's terminal under another name: refused`, async (context) => {
    if (terminalObstacle() !== "") context.skip(terminalObstacle());
    expect(await ends({ victim: "terminal_alias", steps: [], within }, "inside")).toBe(REFUSED);
  });
}

test("a run without input reads what the person types from its output: refused", async (context) => {
  if (terminalObstacle() !== "") context.skip(terminalObstacle());
  const steps = [{ wait: "ready" }, { send: "password\n" }];
  const what = { victim: "terminal_output", steps, within: NO_INPUT };
  expect(await ends(what, "outside")).toBe(SUCCEEDED);
  expect(await ends(what, "inside")).toBe(REFUSED);
});
