/** The Python package: its own tests inside a run, and what it says outside. */
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Arena, fingerprint, NOBODY } from "../support/arena.ts";
import { confined, unprivilegedObstacle } from "../support/confined.ts";
import { KERNEL_PROFILE } from "../support/kernel_profile.ts";
import { execute } from "../support/process.ts";
import { SHIM_LIBRARY } from "../support/shim_program.ts";
import { pythonObstacle } from "../support/vectors/shims.ts";

const PACKAGES = new URL("../../python", import.meta.url).pathname;
const TESTS = join(PACKAGES, "tests/test_in_run.py");
const FLAGS = ["--read", PACKAGES, "--read", SHIM_LIBRARY];

beforeEach((context) => {
  const obstacle = pythonObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
});

test.each([
  ["as it is", undefined, undefined],
  ["where nothing is trapped", undefined, KERNEL_PROFILE],
  ["for nobody", NOBODY, undefined],
] as const)("its tests pass inside a run, %s", async (_name, owner, text) => {
  const obstacle = owner === undefined ? "" : unprivilegedObstacle();
  if (obstacle !== "") return void console.log(`skipped: ${obstacle}`);
  using arena = new Arena(owner);
  const before = fingerprint(arena.outside);
  const profile = text === undefined ? {} : { profile: arena.put("home/profile.yaml", text) };
  const run = await confined(arena, ["python3", TESTS, arena.outside], { flags: FLAGS, ...profile });
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.stderr).toMatch(/\nRan 10 tests in .*\n\nOK\n/);
  expect(fingerprint(arena.outside)).toBe(before);
});

test("outside a run there is no broker, and the library is looked for in no variable", async () => {
  const script = `
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(PACKAGES)})
import sallyport
try:
    sallyport.connect()
except sallyport.BrokerGone as error:
    print(isinstance(error, BrokenPipeError), error.code, error.strerror)
`;
  const env = { LD_LIBRARY_PATH: "/nowhere", SALLYPORT_LIBRARY: "/nowhere/libsallyport.so" };
  const { stdout, stderr } = await execute(["python3", "-c", script], { env });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^True GONE Cannot reach a broker: this process does not run under sallyport/);
});
