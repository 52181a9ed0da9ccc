import {
  chownSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena, fingerprint, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import type { Finished } from "../support/process.ts";

const PYTHON = "/usr/bin/python3";

function undo(arena: Arena, ...args: string[]): Promise<Finished> {
  return sallyport(arena, ["undo", ...args, "--state", arena.state]);
}

/** Finds the store by a descriptor of what it deletes, and tries everything on it. Prints what worked. */
const REACH = `
import os, sys
fd = os.open("precious", os.O_RDONLY)
os.unlink("precious")
image = os.readlink("/proc/self/fd/%d" % fd)
store = os.path.dirname(image)
print("store", image)
def attempt(name, act):
    try:
        act()
        print("worked", name)
    except OSError:
        pass
attempt("list", lambda: os.listdir(store))
attempt("read", lambda: open(image).read())
attempt("write", lambda: open(image, "w").write("spoilt"))
attempt("again", lambda: os.write(os.open("/proc/self/fd/%d" % fd, os.O_WRONLY), b"spoilt"))
attempt("create", lambda: open(os.path.join(store, "full"), "w"))
attempt("unlink", lambda: os.unlink(image))
attempt("rename", lambda: os.rename(image, "stolen"))
attempt("replace", lambda: os.rename("mine", image))
attempt("link", lambda: os.link(image, "linked"))
attempt("link descriptor", lambda: os.link("/proc/self/fd/%d" % fd, "linked", follow_symlinks=True))
attempt("chmod", lambda: os.fchmod(fd, 0o777))
attempt("truncate", lambda: os.truncate(image, 0))
attempt("attribute", lambda: os.setxattr(fd, "user.x", b"x"))
attempt("journal", lambda: open(os.path.join(os.path.dirname(store), "undo.journal"), "a").write("{}"))
`;

test("a program can not read, replace, fill or spoil the store, even where it may write all around it", async () => {
  using arena = new Arena();
  arena.put("workspace/precious", "precious\n");
  arena.put("workspace/mine", "mine\n");
  const run = await confined(arena, [PYTHON, "-c", REACH], { flags: ["--write", arena.root] });
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.stdout).toMatch(/^store .*\/undo\/\d+\n$/);
  const restored = await undo(arena, "restore", run.report?.run ?? "");
  expect(restored.exitCode, restored.stdout + restored.stderr).toBe(0);
  expect(readFileSync(join(arena.workspace, "precious"), "utf8")).toBe("precious\n");
});

test("the same attack works as soon as the rule that guards the state is taken out", async () => {
  using arena = new Arena();
  arena.put("workspace/precious", "precious\n");
  arena.put("workspace/mine", "mine\n");
  const profile = arena.put(
    "home/open.yaml",
    'name: open\nversion: 1\ndescription: The state unguarded\nextends: [":workspace"]\nwithout: [protected.state]\n',
  );
  const run = await confined(arena, [PYTHON, "-c", REACH], { profile, flags: ["--write", arena.root] });
  for (const name of ["list", "read", "create", "journal"]) expect(run.stdout).toContain(`worked ${name}\n`);
});

test("what is written through a descriptor from before the deletion does not reach the image", async () => {
  using arena = new Arena();
  arena.put("workspace/precious", "precious\n");
  const script = `
import os
fd = os.open("precious", os.O_RDWR)
os.unlink("precious")
os.write(fd, b"spoilt, and longer than before")
open("precious", "w").write("another")
`;
  const run = await confined(arena, [PYTHON, "-c", script]);
  expect(run.exitCode, run.stderr).toBe(0);
  const restored = await undo(arena, "restore", run.report?.run ?? "");
  expect(restored.exitCode, restored.stdout).toBe(0);
  expect(readFileSync(join(arena.workspace, "precious"), "utf8")).toBe("precious\n");
});

test("a change beyond the quota does not happen, and is on record", async () => {
  using arena = new Arena();
  arena.put("workspace/large", "x".repeat(100_000));
  const profile = arena.put(
    "home/small.yaml",
    'name: small\nversion: 1\ndescription: Little to keep\nextends: [":workspace"]\nundoLimits: { maxBytes: 50000 }\n',
  );
  const run = await confined(arena, ["sh", "-c", "echo more >> large"], { profile });
  expect(run.exitCode).not.toBe(0);
  expect(run.stderr).toMatch(/quota/i);
  expect(readFileSync(join(arena.workspace, "large"), "utf8")).toBe("x".repeat(100_000));
  expect(run.report?.denied.map(({ rule }) => rule)).toEqual(["undo.quota"]);
  expect(run.records.some(({ kind, rule }) => kind === "deny" && rule === "undo.quota")).toBe(true);
});

test("a link in the place of a directory leads no restore outside", async () => {
  using arena = new Arena();
  arena.put("workspace/d/file", "inside\n");
  arena.put("workspace/d/victim", "inside\n");
  const script = "echo changed > d/file; rm d/victim; echo new > d/secret; chmod 600 d/file";
  const run = await confined(arena, ["bash", "-c", script]);
  renameSync(join(arena.workspace, "d"), join(arena.workspace, "real"));
  symlinkSync(arena.outside, join(arena.workspace, "d"));
  const before = fingerprint(arena.outside);
  const restored = await undo(arena, "restore", run.report?.run ?? "");
  expect(restored.exitCode, restored.stdout).toBe(1);
  expect(restored.stdout).toContain("kept: ");
  expect(fingerprint(arena.outside)).toBe(before);
});

test("a file that is also linked from outside gets its content back where it is", async () => {
  using arena = new Arena();
  const outside = join(arena.outside, "file");
  const { ino } = statSync(outside);
  linkSync(outside, join(arena.workspace, "linked"));
  const run = await confined(arena, ["bash", "-c", "echo changed > linked"]);
  expect(readFileSync(outside, "utf8")).toBe("changed\n");
  const restored = await undo(arena, "restore", run.report?.run ?? "");
  expect(restored.exitCode, restored.stdout).toBe(0);
  expect(readFileSync(outside, "utf8")).toBe("file outside\n");
  expect(statSync(join(arena.workspace, "linked")).ino).toBe(ino);
});

test("the store of another user is not opened", async (context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  using arena = new Arena(NOBODY);
  arena.put("workspace/f", "before\n");
  const run = await confined(arena, ["bash", "-c", "echo after > f"]);
  const id = run.report?.run ?? "";
  using root = new Arena();
  const refused = await sallyport(root, ["undo", "restore", id, "--state", arena.state]);
  expect(refused.exitCode).toBe(125);
  expect(refused.stderr).toContain(`belongs to uid ${NOBODY}`);
  expect(readFileSync(join(arena.workspace, "f"), "utf8")).toBe("after\n");
});

test("root puts back what another user's run has changed as that user, and no more", async (context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  using arena = new Arena();
  for (const name of ["f", "g"]) chownSync(arena.put(`workspace/${name}`, "before\n"), NOBODY, NOBODY);
  chownSync(arena.workspace, NOBODY, NOBODY);
  const run = await confined(arena, ["bash", "-c", "echo after > f; rm g"], { flags: ["--user", "nobody"] });
  expect(run.exitCode, run.stderr).toBe(0);
  const id = run.report?.run ?? "";
  expect(readdirSync(join(arena.state, "runs", id, "undo")).sort()).toEqual(["1", "left", "pack"]);
  const restored = await undo(arena, "restore", id);
  expect(restored.exitCode, restored.stdout + restored.stderr).toBe(0);
  expect(readFileSync(join(arena.workspace, "f"), "utf8")).toBe("before\n");
  expect(statSync(join(arena.workspace, "g")).uid).toBe(NOBODY);
  const again = await confined(arena, ["bash", "-c", "echo after > f"], { flags: ["--user", "nobody"] });
  // The directory and the file are root's from now on: nobody could not have put it back himself.
  for (const path of [arena.workspace, join(arena.workspace, "f")]) chownSync(path, 0, 0);
  writeFileSync(join(arena.workspace, "root"), "root\n");
  const refused = await undo(arena, "restore", again.report?.run ?? "");
  expect(refused.stdout + refused.stderr).toContain("kept: ");
  expect(readFileSync(join(arena.workspace, "f"), "utf8")).toBe("after\n");
});
