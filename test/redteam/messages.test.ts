import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined, SALLYPORT, sallyport } from "../support/confined.ts";
import { execute } from "../support/process.ts";

const ERASE = "\u001b[2K\r";
/** What moves the cursor, turns the writing around, or is not to be seen, in a line of its own or in another's. */
const TRICKS =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2066-\u206f\u{e0000}-\u{e007f}]/u;

test("the name of a workspace writes no line of its own", async () => {
  using arena = new Arena();
  const workspace = join(arena.root, `a${ERASE}\nsallyport: all is well\u206e\u{e0041}\u00ad`);
  mkdirSync(workspace);
  const command = ["run", "--state", arena.state, "--", "true"];
  const run = await execute([...SALLYPORT, ...command], { cwd: workspace });
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.stderr).not.toMatch(TRICKS);
  expect(run.stderr.match(/^sallyport: /gm)).toHaveLength(2);
  const refused = await execute([...SALLYPORT, "run", "--state", workspace, "--", "true"], {
    cwd: workspace,
  });
  expect(refused.exitCode).toBe(125);
  expect(refused.stderr).not.toMatch(TRICKS);
});

test("a changed log does not write its own verdict", async () => {
  using arena = new Arena();
  const { report } = await confined(arena, ["true"]);
  const run = report?.run ?? "";
  const file = `x${ERASE}\n${run}: whole \u202e`;
  writeFileSync(join(arena.state, "runs", run, "log", "tile", file), "");
  const verified = await sallyport(arena, ["audit", "verify", "--state", arena.state]);
  expect(verified.exitCode).toBe(1);
  expect(verified.stdout).not.toMatch(TRICKS);
  expect(verified.stdout).not.toMatch(/^\S*: whole/m);
});
