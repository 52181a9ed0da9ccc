/** libsallyport in real runs, by itself and under the sanitizers. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { Arena, fingerprint, NOBODY } from "../support/arena.ts";
import { type Confined, confined, unprivilegedObstacle } from "../support/confined.ts";
import { KERNEL_PROFILE } from "../support/kernel_profile.ts";
import { execute } from "../support/process.ts";
import { type Sanitizer, sanitizerObstacle, shimProgram } from "../support/shim_program.ts";

/** A sanitizer makes a program some ten times as slow, and compiling takes its time. */
const TIMEOUT = { timeout: 180_000 };

const SANITIZERS: readonly Sanitizer[] = ["none", "address", "thread"];

async function run(
  arena: Arena,
  name: string,
  sanitizer: Sanitizer,
  args: readonly string[],
  mediation: "writes" | "kernel" = "writes",
): Promise<Confined> {
  const program = join(arena.home, name);
  copyFileSync(shimProgram(name, sanitizer), program);
  const profile =
    mediation === "kernel" ? { profile: arena.put("home/unmediated.yaml", KERNEL_PROFILE) } : {};
  return confined(arena, [program, ...args], { flags: ["--read", program], ...profile });
}

describe.each(SANITIZERS)("with sanitizer %s", TIMEOUT, (sanitizer) => {
  beforeEach((context) => {
    const obstacle = sanitizerObstacle(sanitizer);
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  });

  test.each(["writes", "kernel"] as const)(
    "every call is as it must be, with mediation %s",
    async (mediation) => {
      using arena = new Arena();
      const before = fingerprint(arena.outside);
      const { exitCode, stdout, stderr } = await run(arena, "calls", sanitizer, [arena.outside], mediation);
      expect(`${stdout}${exitCode === 0 ? "" : stderr}`).toBe("every call is as it must be\n");
      expect(fingerprint(arena.outside)).toBe(before);
      expect(readdirSync(arena.workspace).sort()).toEqual([
        "h",
        "made-after",
        "made-by-child",
        "made-by-parent",
      ]);
    },
  );

  test.each(["writes", "kernel"] as const)(
    "many threads on one client, signals and forks among them, with mediation %s",
    async (mediation) => {
      using arena = new Arena();
      const args = sanitizer === "none" ? ["32", "40"] : ["8", "20"];
      const { exitCode, stdout, stderr } = await run(arena, "threads", sanitizer, args, mediation);
      expect(`${stdout}${exitCode === 0 ? "" : stderr}`).toBe("every thread found its own\n");
      expect(readdirSync(arena.workspace)).toEqual([]);
    },
  );
});

test("every call is as it must be for nobody", async (context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  using arena = new Arena(NOBODY);
  const { exitCode, stdout, stderr } = await run(arena, "calls", "none", [arena.outside]);
  expect(`${stdout}${exitCode === 0 ? "" : stderr}`).toBe("every call is as it must be\n");
});

test("the header is one for C++ as well", () => {
  const header = new URL("../../native/shim/include/sallyport.h", import.meta.url).pathname;
  const flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"];
  for (const [compiler, language] of [
    ["gcc", "c"],
    ["g++", "c++"],
  ] as const)
    execFileSync(compiler, [...flags, "-x", language, header], { stdio: "inherit" });
});

test("outside a run there is no broker to ask", async () => {
  using arena = new Arena();
  const plain = await execute([shimProgram("calls", "none"), arena.outside], { cwd: arena.workspace });
  expect(plain.exitCode).toBe(2);
  expect(plain.stderr).toContain("does not run under sallyport");
});
