import { linkSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import type { Finished } from "../support/process.ts";

const LINES = Array.from({ length: 12 }, (_, number) => `line ${number}\n`);

function undo(arena: Arena, ...args: string[]): Promise<Finished> {
  return sallyport(arena, ["undo", ...args, "--state", arena.state]);
}

function textWith(changes: Readonly<Record<number, string>>): string {
  return LINES.map((line, number) => changes[number] ?? line).join("");
}

/** A run that changes line 2 of `f` in the way of the script, and `other`. */
async function changed(arena: Arena, script: string): Promise<string> {
  arena.put("workspace/f", LINES.join(""));
  arena.put("workspace/other", "before\n");
  const run = await confined(arena, ["bash", "-c", `${script}; echo after > other`]);
  expect(run.exitCode, run.stderr).toBe(0);
  return run.report?.run ?? "";
}

const IN_PLACE = "sed 's/line 2$/run 2/' f > $TMPDIR/f; cat $TMPDIR/f > f";
const BY_RENAME = "sed -i 's/line 2$/run 2/' f";

describe.each([
  ["emptied and written", IN_PLACE],
  ["replaced by rename", BY_RENAME],
])("a file that the run has %s, and a person has edited since", (_, script) => {
  test.each(["in place", "by rename"])("%s: stays, and is merged when it is named", async (how) => {
    using arena = new Arena();
    const run = await changed(arena, script);
    const f = join(arena.workspace, "f");
    const edited = textWith({ 2: "run 2\n", 9: "person 9\n" });
    if (how === "in place") writeFileSync(f, edited);
    else {
      writeFileSync(`${f}.new`, edited);
      renameSync(`${f}.new`, f);
    }
    const shown = await undo(arena, "show", "--diff", run);
    expect(shown.stdout).toContain("-line 2\n");
    expect(shown.stdout).toContain("+person 9\n");
    expect(shown.stdout).toMatch(/^kept: \S+\/f — .* \(can be merged or replaced\)$/m);
    const unnamed = await undo(arena, "restore", "--edited", "merge", run);
    expect(unnamed.exitCode).toBe(125);
    expect(unnamed.stderr).toContain("name the files");
    expect((await undo(arena, "restore", run)).exitCode).toBe(1);
    expect(readFileSync(f, "utf8")).toBe(edited);
    const merged = await undo(arena, "restore", "--edited", "merge", run, "f");
    expect(merged.exitCode, merged.stdout + merged.stderr).toBe(0);
    expect(readFileSync(f, "utf8")).toBe(textWith({ 9: "person 9\n" }));
    const [, kept = ""] = /what was there: (\S+) /.exec(merged.stdout) ?? [];
    expect(readFileSync(join(arena.state, "runs", run, "undo", kept), "utf8")).toBe(edited);
    expect((await undo(arena, "restore", run)).stdout).toContain("0 restored · 0 kept");
  });
});

test("a conflict is marked in the file, and the edit is kept as it was", async () => {
  using arena = new Arena();
  await changed(arena, IN_PLACE);
  const f = join(arena.workspace, "f");
  writeFileSync(f, textWith({ 2: "person 2\n" }));
  const merged = await undo(arena, "restore", "--edited", "merge", "f");
  expect(merged.stdout).toContain("with 1 conflicts marked in it");
  const marks =
    "<<<<<<< now\nperson 2\n||||||| left by the run\nrun 2\n=======\nline 2\n>>>>>>> before the run\n";
  expect(readFileSync(f, "utf8")).toBe(textWith({ 2: marks }));
  expect(readFileSync(join(arena.workspace, "other"), "utf8")).toBe("after\n");
});

test("the old file takes the place of an edited one when that is asked for by name; other edits stay", async () => {
  using arena = new Arena();
  const run = await changed(arena, IN_PLACE);
  const at = (name: string): string => join(arena.workspace, name);
  for (const name of ["f", "other"]) writeFileSync(at(name), "person\n");
  const restored = await undo(arena, "restore", "--edited", "replace", run, "f");
  expect(restored.exitCode, restored.stdout).toBe(0);
  expect(readFileSync(at("f"), "utf8")).toBe(LINES.join(""));
  expect(readFileSync(at("other"), "utf8")).toBe("person\n");
});

test("a binary is shown by its size and not merged", async () => {
  using arena = new Arena();
  arena.put("workspace/b", "\0before");
  const run = await confined(arena, ["bash", "-c", "printf '\\0after' > b"]);
  writeFileSync(join(arena.workspace, "b"), "\0person's");
  const id = run.report?.run ?? "";
  const shown = await undo(arena, "show", "--diff", id);
  expect(shown.stdout).toContain("binary, or too much text: 7 bytes before, 9 bytes now");
  expect(shown.stdout).toContain("(can be replaced)");
  const merged = await undo(arena, "restore", "--edited", "merge", id, "b");
  expect(merged.exitCode).toBe(1);
  expect(merged.stdout).toContain("it can not be merged");
  expect(readFileSync(join(arena.workspace, "b"), "utf8")).toBe("\0person's");
});

describe.each([
  ["root", undefined],
  ["nobody", NOBODY],
] as const)("as %s", (who, owner) => {
  test("a file with further names keeps them", async (context) => {
    const obstacle = who === "nobody" ? unprivilegedObstacle() : "";
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
    using arena = new Arena(owner);
    const f = arena.put("workspace/f", LINES.join(""));
    const second = join(arena.workspace, "second");
    linkSync(f, second);
    const run = await confined(arena, ["bash", "-c", `${IN_PLACE}; true`]);
    writeFileSync(f, textWith({ 2: "run 2\n", 9: "person 9\n" }));
    const { ino } = statSync(f);
    const merged = await undo(arena, "restore", "--edited", "merge", run.report?.run ?? "", "f");
    expect(merged.exitCode, merged.stdout + merged.stderr).toBe(0);
    expect(readFileSync(second, "utf8")).toBe(textWith({ 9: "person 9\n" }));
    expect(statSync(second).ino).toBe(ino);
  });
});

test("a file in place of a run means the last run that changed it", async () => {
  using arena = new Arena();
  const f = arena.put("workspace/f", "0\n");
  for (const number of [1, 2]) await confined(arena, ["bash", "-c", `echo ${number} > f`]);
  utimesSync(f, 1, 1);
  writeFileSync(f, "2\n");
  expect((await undo(arena, "restore", "f")).exitCode).toBe(0);
  expect(readFileSync(f, "utf8")).toBe("1\n");
  expect((await undo(arena, "restore", "f")).exitCode).toBe(0);
  expect(readFileSync(f, "utf8")).toBe("0\n");
  const unknown = await undo(arena, "restore", "no-such-file");
  expect(unknown.exitCode).toBe(125);
  expect(unknown.stderr).toContain("sallyport undo list");
});
