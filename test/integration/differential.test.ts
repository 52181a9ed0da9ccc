import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { REFUSED, runPlain, runVictim } from "../support/hostile.ts";

/** Fixed, so that a failure can be looked at again; a new number finds new ways. */
const SEEDS = Array.from({ length: 12 }, (_, at) => 1000 + at);

test.each(SEEDS)(
  "two thousand random operations in the workspace end inside as they end outside: seed %i",
  async (seed) => {
    const args = [String(seed), "2000"];
    using outside = new Arena();
    const plain = await runPlain(outside, "random_operations", args);
    expect(plain.exitCode).toBe(REFUSED);
    using arena = new Arena();
    const run = await runVictim(arena, "random_operations", args);
    expect(run.exitCode, run.stderr).toBe(REFUSED);
    const expected = plain.stdout.split("\n");
    const at = run.stdout.split("\n").findIndex((line, index) => line !== expected[index]);
    expect(at < 0 ? "" : run.stdout.split("\n")[at], run.stderr).toBe(at < 0 ? "" : expected[at]);
    expect(run.stdout).toBe(plain.stdout);
    expect(run.report?.denials, run.stderr).toBe(0);
  },
);
