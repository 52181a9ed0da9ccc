import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { binding } from "../../src/platform/binding.ts";
import { Arena, NOBODY } from "../support/arena.ts";
import { type Confined, confined, runCommand, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import type { Finished } from "../support/process.ts";
import { treeSnapshot } from "../support/tree_snapshot.ts";

const PYTHON = "/usr/bin/python3";

function undo(arena: Arena, ...args: string[]): Promise<Finished> {
  return sallyport(arena, ["undo", ...args, "--state", arena.state]);
}

/** A tree with everything in it that an undo has to bring back. */
function plantTree(arena: Arena, files: number): void {
  const at = (name: string): string => join(arena.workspace, name);
  const own = (path: string): void => chownSync(path, arena.owner, arena.owner);
  for (let number = 0; number < files; number++) {
    const directory = `d${number % 20}`;
    if (!existsSync(at(directory))) {
      mkdirSync(at(directory));
      own(at(directory));
    }
    const path = at(`${directory}/f${number}`);
    writeFileSync(path, `file ${number}\n`.repeat(1 + (number % 50)));
    own(path);
    chmodSync(path, number % 3 === 0 ? 0o600 : number % 3 === 1 ? 0o644 : 0o755);
    if (number % 7 === 0) binding.fsSetxattr(path, "user.tag", Buffer.from(`v${number}`), 0);
    utimesSync(path, 1_000_000_000 + number, 1_100_000_000.123456 + number);
  }
  // Other people's files, among those that the agent deletes, renames or replaces by a rename: to write them it lacks the right.
  const names = Array.from({ length: files }, (_, number) => `d${number % 20}/f${number}`).sort();
  if (arena.owner === 0 && files > 500)
    names.forEach((name, index) => {
      if (index >= 500 ? index % 5 === 0 : index % 4 === 3 && index % 5 === 0)
        lchownSync(at(name), 4000 + index, 5000);
    });
  linkSync(at("d0/f0"), at("d1/linked"));
  linkSync(at("d19/f19"), at("d2/linked-too"));
  symlinkSync("f1", at("d1/symlink"));
  lutimesSync(at("d1/symlink"), 1_200_000_000, 1_200_000_000);
  mkdirSync(at("empty"), { mode: 0o750 });
  own(at("empty"));
  utimesSync(at("empty"), 1_200_000_000, 1_200_000_000);
  for (let number = 0; number < 20; number++) utimesSync(at(`d${number}`), 1_300_000_000, 1_300_000_000);
  utimesSync(arena.workspace, 1_400_000_000, 1_400_000_000);
}

const AGENT = `
import os
names = sorted(os.path.join(d, n) for d, _, fs in os.walk(".") for n in fs if n.startswith("f"))
assert len(names) == 800, len(names)
for i, name in enumerate(names[:500]):
    if i % 4 == 0:
        open(name, "w").write("overwritten %d" % i)
    elif i % 4 == 1:
        with open(name, "r+") as f: f.write("XX")
    elif i % 4 == 2:
        with open(name, "a") as f: f.write("appended")
    else:
        with open(name + ".new", "w") as f: f.write("by rename")
        os.rename(name + ".new", name)
for name in names[500:700]: os.unlink(name)
for i, name in enumerate(names[700:800]):
    os.rename(name, name + ".moved" if i % 2 else "moved%d" % i)
os.chmod("d2", 0o700); os.rmdir("empty"); os.mkdir("made"); open("made/new", "w").write("new")
os.unlink("d1/linked"); os.unlink("d1/symlink"); os.symlink("/etc/passwd", "d1/symlink"); os.rename("d3", "made/d3")
`;

describe.each(["root", "nobody"])(
  "an agent that overwrites 500 files, deletes 200 and renames 100, as %s",
  (who) => {
    test("is undone byte for byte by one command; what a person edited meanwhile is kept and reported", async (context) => {
      const obstacle = who === "nobody" ? unprivilegedObstacle() : "";
      if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
      using arena = new Arena(who === "nobody" ? NOBODY : undefined);
      plantTree(arena, 800);
      const before = treeSnapshot(arena.workspace);
      const run = await confined(arena, [PYTHON, "-c", AGENT]);
      expect(run.exitCode, run.stderr).toBe(0);
      expect(run.report?.undoable).toBeGreaterThan(800);
      const after = treeSnapshot(arena.workspace);
      expect(after).not.toEqual(before);
      const lines = new Set(after);
      // 500 overwritten, 200 deleted, 100 renamed, and what else the agent did.
      expect(before.filter((line) => !lines.has(line)).length).toBeGreaterThanOrEqual(800);
      for (const kind of [
        "user.tag=",
        "./d1/symlink: 120777",
        who === "root" ? " 4500 5000 " : ` ${NOBODY} `,
      ])
        expect(
          before.some((line) => line.includes(kind)),
          kind,
        ).toBe(true);
      const edited = join(arena.workspace, "d0/f0");
      writeFileSync(edited, "edited by a person\n");
      const dry = await undo(arena, "restore", "--dry-run", idOf(run));
      expect(dry.stdout).toContain(`kept: ${edited} — changed since the run`);
      expect(readFileSync(join(arena.workspace, "made/new"), "utf8")).toBe("new");
      const restored = await undo(arena, "restore", idOf(run));
      expect(restored.stdout, restored.stderr).toContain(`kept: ${edited} — changed since the run`);
      expect(restored.exitCode, restored.stderr).toBe(1);
      expect(readFileSync(edited, "utf8")).toBe("edited by a person\n");
      const isOfEdited = (line: string): boolean => /^\.\/(?:d0\/f0|d1\/linked): /.test(line);
      expect(treeSnapshot(arena.workspace).filter((line) => !isOfEdited(line))).toEqual(
        before.filter((line) => !isOfEdited(line)),
      );
      const left = await undo(arena, "show", idOf(run));
      expect(left.stdout).toMatch(/^kept: .*\nrun .*: 0 to restore/);
      const again = await undo(arena, "restore", idOf(run));
      expect(again.stdout).toContain("0 restored · 1 kept");
    });
  },
);

/** Changes the tree without end, and says so when it has begun. */
const RESTLESS = `
import os, itertools
names = sorted(os.path.join(d, n) for d, _, fs in os.walk(".") for n in fs if n.startswith("f"))
print("begun", flush=True)
for i in itertools.count():
    name = names[i % len(names)]
    if not os.path.exists(name): continue
    [lambda: open(name, "w").write("new"), lambda: open(name, "a").write("more"), lambda: os.unlink(name),
     lambda: os.rename(name, name + ".moved"), lambda: os.chmod(name, 0o600), lambda: os.link(name, name + ".linked"),
     lambda: os.rename(names[(i + 1) % len(names)], name) if os.path.exists(names[(i + 1) % len(names)]) else None][i % 7]()
`;

test("a run whose broker is killed at any moment is put back whole", { timeout: 300_000 }, async () => {
  for (let round = 0; round < 6; round++) {
    using arena = new Arena();
    plantTree(arena, 60);
    const before = treeSnapshot(arena.workspace);
    const [program = "", ...args] = runCommand(arena, [PYTHON, "-c", RESTLESS]);
    const child = spawn(program, args, { cwd: arena.workspace, stdio: ["ignore", "pipe", "ignore"] });
    child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), 5 + Math.random() * 60));
    child.stdout.resume();
    await once(child, "close");
    const [id = ""] = readdirSync(join(arena.state, "runs"));
    const restored = await undo(arena, "restore", id);
    expect(restored.stderr).toContain("the broker of this run was killed");
    expect(restored.exitCode, restored.stdout).toBe(0);
    expect(treeSnapshot(arena.workspace)).toEqual(before);
  }
});

test("what runs have kept expires, and a run that is not over is left alone", async () => {
  using arena = new Arena();
  arena.put("workspace/f", "before\n");
  const run = await confined(arena, ["bash", "-c", "echo after > f"]);
  const directory = join(arena.state, "runs", idOf(run));
  expect((await undo(arena, "prune", "--older-than", "1")).stdout).toBe("");
  const old = Date.now() / 1000 - 20 * 86_400;
  utimesSync(join(directory, "undo.journal"), old, old);
  const next = await confined(arena, ["true"]);
  expect(next.exitCode).toBe(0);
  expect(existsSync(join(directory, "undo"))).toBe(false);
  expect((await undo(arena, "restore", idOf(run))).exitCode).toBe(125);
  expect((await undo(arena, "list")).stdout).not.toContain(idOf(run));
});

function idOf(run: Confined): string {
  return run.report?.run ?? "";
}
