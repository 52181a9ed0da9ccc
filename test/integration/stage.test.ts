import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { binding } from "../../src/platform/binding.ts";
import { attributesOf } from "../../src/platform/staging.ts";
import { Arena, fingerprint, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import { until } from "../support/launch.ts";
import { changesOf, commitOf, discardOf, staged, stagesOf } from "../support/staged.ts";
import { treeSnapshot } from "../support/tree_snapshot.ts";

const OWNERS = [
  ["the person's own authority", process.geteuid!()],
  ["a user without privileges", NOBODY],
] as const;

/** Why the owner can not stage here, or "". */
function obstacleOf(owner: number): string {
  if (owner === process.geteuid!()) return "";
  if (unprivilegedObstacle() !== "") return `skipped: ${unprivilegedObstacle()}`;
  try {
    execFileSync("setpriv", [
      `--reuid=${owner}`,
      `--regid=${owner}`,
      "--clear-groups",
      "unshare",
      "-Urm",
      "true",
    ]);
    return "";
  } catch {
    return "skipped: needs user namespaces for users, this machine refuses them";
  }
}

function workspaceOf(arena: Arena): (name: string) => string {
  arena.put("workspace/a.txt", "one\ntwo\n");
  arena.put("workspace/gone.txt", "gone\n");
  arena.put("workspace/run.sh", "#!/bin/sh\n");
  arena.put("workspace/dir/inner", "inner\n");
  arena.put("workspace/tree/deep/file", "file\n");
  return (name) => join(arena.workspace, name);
}

const WORK = [
  "echo three >> a.txt",
  "rm gone.txt",
  "chmod 755 run.sh",
  "rm -rf tree",
  "mkdir -p new/sub",
  "echo fresh > new/sub/fresh",
  "ln -s ../a.txt new/link",
  "rm -rf dir && echo file > dir",
  "mkfifo new/pipe",
];

describe.each(OWNERS)("with %s", (_, owner) => {
  test("the workspace stays byte for byte what it is, and a commit makes it what the run saw", async (context) => {
    const obstacle = obstacleOf(owner);
    if (obstacle !== "") context.skip(obstacle);
    using arena = new Arena(owner);
    const at = workspaceOf(arena);
    const before = fingerprint(arena.workspace);
    const run = await staged(arena, ["sh", "-c", [...WORK, "cat a.txt; ls"].join("\n")]);
    expect(run.stdout, run.stderr).toBe("one\ntwo\nthree\na.txt\ndir\nnew\nrun.sh\n");
    expect(run.stderr).toContain(`sallyport commit ${run.run}`);
    expect(fingerprint(arena.workspace)).toBe(before);

    const changes = await changesOf(arena, run.run, "--diff");
    expect(changes.map(({ what, path, keptBecause }) => [what, path, keptBecause])).toEqual([
      ["modified", "a.txt", ""],
      ["replaced", "dir", ""],
      ["deleted", "gone.txt", ""],
      ["created", "new", ""],
      ["created", "new/link", ""],
      ["created", "new/pipe", ""],
      ["created", "new/sub", ""],
      ["created", "new/sub/fresh", ""],
      ["metadata", "run.sh", ""],
      ["deleted", "tree", ""],
    ]);
    expect(changes[0]?.diff).toBe("--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,3 @@\n one\n two\n+three\n");
    expect(fingerprint(arena.workspace)).toBe(before);

    const done = await commitOf(arena, run.run);
    expect(done.kept).toEqual([]);
    expect(done.isComplete).toBe(true);
    expect(readFileSync(at("a.txt"), "utf8")).toBe("one\ntwo\nthree\n");
    expect(readFileSync(at("dir"), "utf8")).toBe("file\n");
    expect(existsSync(at("gone.txt"))).toBe(false);
    expect(existsSync(at("tree"))).toBe(false);
    expect(statSync(at("run.sh")).mode & 0o777).toBe(0o755);
    expect(readlinkSync(at("new/link"))).toBe("../a.txt");
    expect(lstatSync(at("new/pipe")).isFIFO()).toBe(true);
    expect(lstatSync(at("new/sub/fresh")).uid).toBe(owner);
    expect(readdirSync(arena.workspace).sort()).toEqual(["a.txt", "dir", "new", "run.sh"]);
    expect(stagesOf(arena)).toEqual([]);
    const verified = await sallyport(arena, ["audit", "verify", "--state", arena.state]);
    expect(verified.exitCode, verified.stdout).toBe(0);
  });

  test("what is discarded is gone, and the workspace is what it was", async (context) => {
    const obstacle = obstacleOf(owner);
    if (obstacle !== "") context.skip(obstacle);
    using arena = new Arena(owner);
    workspaceOf(arena);
    const before = fingerprint(arena.workspace);
    const deep =
      "d=; i=0; while [ $i -lt 300 ]; do d=${d}deepdeepdeep/; i=$((i+1)); done; mkdir -p $d; mkdir odd; echo x > odd/f; chmod 0 odd/f odd";
    const run = await staged(arena, ["sh", "-c", [...WORK, deep].join("\n")]);
    expect(run.exitCode, run.stderr).toBe(0);
    const dropped = await discardOf(arena, run.run);
    expect(dropped.exitCode, dropped.stderr).toBe(0);
    expect(stagesOf(arena)).toEqual([]);
    expect(fingerprint(arena.workspace)).toBe(before);
  });

  test("a repository that the run made comes out of the commit as git left it", async (context) => {
    const obstacle = obstacleOf(owner);
    if (obstacle !== "") context.skip(obstacle);
    using arena = new Arena(owner);
    const script =
      "git init -q r && cd r && echo x > f && git add f && git -c user.name=A -c user.email=a@example.org commit -qm one";
    const run = await staged(arena, ["sh", "-c", script]);
    expect(run.exitCode, run.stderr).toBe(0);
    const done = await commitOf(arena, run.run);
    expect(done.kept).toEqual([]);
    const log = await confined(arena, ["git", "-C", "r", "fsck"]);
    expect(log.exitCode, log.stderr).toBe(0);
  });
});

test("changes without a run names the stages that are left", async () => {
  using arena = new Arena();
  const run = await staged(arena, ["sh", "-c", "echo x > x"]);
  const listed = await sallyport(arena, ["changes", "--state", arena.state]);
  expect(listed.stdout).toMatch(new RegExp(`^${run.run} \\S+ ${arena.workspace}\\n$`));
});

test("--only takes the new directories along that it needs, and leaves the rest for later", async () => {
  using arena = new Arena();
  const at = (name: string): string => join(arena.workspace, name);
  const run = await staged(arena, [
    "sh",
    "-c",
    "mkdir -p p/q; echo 1 > p/q/one.c; echo 2 > p/q/two.h; echo 3 > three.c",
  ]);
  const first = await commitOf(arena, run.run, "--only", "p/**/*.c");
  expect(first.committed).toEqual(["p", "p/q", "p/q/one.c"]);
  expect(first.isComplete).toBe(false);
  expect(existsSync(at("p/q/two.h"))).toBe(false);
  expect((await changesOf(arena, run.run)).map(({ path }) => path)).toEqual(["p/q/two.h", "three.c"]);
  // Somebody works on with what was committed: it is theirs.
  writeFileSync(at("p/q/one.c"), "mine\n");
  const rest = await commitOf(arena, run.run);
  expect(rest.kept).toEqual([]);
  expect(readFileSync(at("p/q/one.c"), "utf8")).toBe("mine\n");
  expect(readFileSync(at("p/q/two.h"), "utf8")).toBe("2\n");
  expect(stagesOf(arena)).toEqual([]);
});

test("a file that a person changed meanwhile is kept and reported, whatever the run did with it", async () => {
  using arena = new Arena();
  for (const name of ["edited", "removed", "doomed", "fine", "moded"])
    arena.put(`workspace/${name}`, `${name}\n`);
  arena.put("workspace/tree/old", "old\n");
  const at = (name: string): string => join(arena.workspace, name);
  const script =
    "for f in edited removed fine; do echo run >> $f; done; rm doomed; rm -r tree; echo run > both; chmod 600 moded";
  const run = await staged(arena, ["sh", "-c", script]);
  writeFileSync(at("edited"), "person\n");
  execFileSync("rm", [at("removed")]);
  writeFileSync(at("doomed"), "person\n");
  writeFileSync(at("tree/new"), "person\n");
  writeFileSync(at("both"), "person\n");
  chmodSync(at("moded"), 0o640);
  const done = await commitOf(arena, run.run);
  expect(done.committed).toEqual(["fine"]);
  expect(Object.fromEntries(done.kept.map(({ path, reason }) => [path, reason]))).toEqual({
    both: "changed meanwhile",
    doomed: "changed meanwhile",
    edited: "changed meanwhile",
    moded: "changed meanwhile",
    removed: "removed meanwhile",
    tree: "changed meanwhile",
  });
  for (const name of ["edited", "doomed", "both"]) expect(readFileSync(at(name), "utf8")).toBe("person\n");
  expect(existsSync(at("removed"))).toBe(false);
  expect(readdirSync(at("tree")).sort()).toEqual(["new", "old"]);
  expect(statSync(at("moded")).mode & 0o777).toBe(0o640);
  // What was kept can still be looked at, and dropped.
  expect((await changesOf(arena, run.run)).length).toBe(6);
});

test("attributes, times, holes and second names arrive; a name outside of the run keeps its content", async () => {
  using arena = new Arena();
  arena.put("workspace/shared", "shared\n");
  linkSync(join(arena.workspace, "shared"), join(arena.outside, "second"));
  const script = [
    "import os",
    "open('f', 'w').write('f'); os.setxattr('f', 'user.note', b'n'); os.utime('f', ns=(1, 1234567890123456789))",
    "os.link('f', 'g')",
    "open('sparse', 'w').truncate(1 << 26)",
    "open('shared', 'a').write('more\\n')",
    "os.mkdir('d', 0o750); os.utime('d', ns=(1, 1111111111000000000))",
  ].join("\n");
  const run = await staged(arena, ["python3", "-c", script]);
  expect(run.exitCode, run.stderr).toBe(0);
  const done = await commitOf(arena, run.run);
  expect(done.kept).toEqual([]);
  const at = (name: string): string => join(arena.workspace, name);
  const f = statSync(at("f"), { bigint: true });
  expect(f.mtimeNs).toBe(1234567890123456789n);
  expect(statSync(at("g"), { bigint: true }).ino).toBe(f.ino);
  const xattr = execFileSync("python3", [
    "-c",
    `import os; print(os.getxattr(${JSON.stringify(at("f"))}, 'user.note'))`,
  ]);
  expect(String(xattr)).toBe("b'n'\n");
  expect(statSync(at("sparse")).size).toBe(1 << 26);
  expect(statSync(at("sparse")).blocks).toBeLessThan(64);
  expect(readFileSync(at("shared"), "utf8")).toBe("shared\nmore\n");
  expect(readFileSync(join(arena.outside, "second"), "utf8")).toBe("shared\n");
  expect(statSync(at("d")).mode & 0o777).toBe(0o750);
  expect(statSync(at("d"), { bigint: true }).mtimeNs).toBe(1111111111000000000n);
});

test("a directory that was there can not be renamed in a stage: programs copy instead", async () => {
  using arena = new Arena();
  arena.put("workspace/d/f", "f\n");
  const run = await staged(arena, ["sh", "-c", "mv d e && cat e/f"]);
  expect(run.stdout, run.stderr).toBe("f\n");
  const done = await commitOf(arena, run.run);
  expect(done.committed).toEqual(["d", "e", "e/f"]);
  expect(readdirSync(arena.workspace)).toEqual(["e"]);
});

test.each([
  ["--write outside the workspace", ["--write", "/var/tmp"], "lies outside the workspace"],
] as const)("%s is refused with the way out", async (_, flags, why) => {
  using arena = new Arena();
  const run = await confined(arena, ["true"], { flags: ["--stage", ...flags] });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain(why);
});

test("a state directory that can not hold a stage is named, and nothing of it is left", async (context) => {
  if (process.geteuid!() !== 0) context.skip("skipped: needs root to mount, this machine has a user");
  using arena = new Arena();
  const layer = (name: string): string => {
    mkdirSync(join(arena.root, name), { mode: 0o700 });
    return join(arena.root, name);
  };
  const options = `lowerdir=${arena.state},upperdir=${layer("upper")},workdir=${layer("work")}`;
  // An overlay can not be the upper layer of another one.
  const mount = `mount -t overlay overlay -o ${options} ${arena.state} && "$@"; code=$?; ls ${arena.state}/stages; exit $code`;
  const run = await confined(arena, ["true"], {
    flags: ["--stage"],
    within: ["unshare", "-m", "sh", "-c", mount, "sh"],
  });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toMatch(/Cannot stage the run: mount overlay failed: EINVAL.*--state DIR/);
  expect(run.stdout).toBe("");
});

test("a run that does not start leaves no stage behind", async () => {
  using arena = new Arena();
  const run = await confined(arena, ["no-such-program"], { flags: ["--stage"] });
  expect(run.exitCode, run.stderr).toBe(127);
  expect(stagesOf(arena)).toEqual([]);
});

test("root stages and commits a run as another user with that user's authority", async (context) => {
  if (process.geteuid!() !== 0)
    context.skip("skipped: needs root to become another user, this machine has a user");
  using arena = new Arena();
  arena.put("workspace/roots", "roots\n");
  chownSync(arena.workspace, NOBODY, NOBODY);
  const run = await staged(arena, ["sh", "-c", "echo mine > mine; echo x >> roots; rm roots"], {
    flags: ["--user", "nobody"],
  });
  expect(readdirSync(arena.workspace)).toEqual(["roots"]);
  expect((await changesOf(arena, run.run)).map(({ what, path }) => `${what} ${path}`)).toEqual([
    "created mine",
    "deleted roots",
  ]);
  expect((await commitOf(arena, run.run)).kept).toEqual([]);
  expect(readdirSync(arena.workspace)).toEqual(["mine"]);
  expect(statSync(join(arena.workspace, "mine")).uid).toBe(NOBODY);
});

test("a run that is at work is neither committed nor discarded", async () => {
  using arena = new Arena();
  let stop = (): void => {};
  const script = "echo x > f; echo ready > g; sleep 60";
  const running = confined(arena, ["sh", "-c", script], {
    flags: ["--stage"],
    started: (child) => {
      stop = () => child.kill("SIGTERM");
    },
  });
  try {
    const ready = (): boolean => {
      const [run] = existsSync(join(arena.state, "stages")) ? stagesOf(arena) : [];
      return run !== undefined && existsSync(join(arena.state, "stages", run, "upper", "g"));
    };
    expect(await until(ready, 20_000)).toBe(true);
    const [run = ""] = stagesOf(arena);
    for (const command of ["commit", "discard"]) {
      const refused = await sallyport(arena, [command, run, "--state", arena.state]);
      expect(refused.exitCode).toBe(125);
      expect(refused.stderr).toContain("still at work");
    }
    const listed = await sallyport(arena, ["changes", "--state", arena.state]);
    expect(listed.stdout).toContain("(running)");
  } finally {
    stop();
  }
  await running;
  const [run = ""] = stagesOf(arena);
  expect((await commitOf(arena, run)).committed).toEqual(["f", "g"]);
});

test("a commit is listed among what can be put back, and is put back byte for byte by one command", async () => {
  using arena = new Arena();
  workspaceOf(arena);
  arena.put("workspace/tagged", "tagged\n");
  binding.fsSetxattr(join(arena.workspace, "tagged"), "user.tag", Buffer.from("before"), 0);
  linkSync(join(arena.workspace, "a.txt"), join(arena.workspace, "linked"));
  const before = treeSnapshot(arena.workspace);
  const run = await staged(arena, ["sh", "-c", [...WORK, "echo more >> tagged", "rm linked"].join("\n")]);
  const done = await commitOf(arena, run.run);
  expect(done.kept).toEqual([]);
  expect(done.undoable).toBeGreaterThan(8);
  expect(treeSnapshot(arena.workspace)).not.toEqual(before);
  const listed = await sallyport(arena, ["undo", "list", "--state", arena.state]);
  expect(listed.stdout).toContain(`${done.log} · `);
  const shown = await sallyport(arena, ["undo", "show", "--diff", done.log, "--state", arena.state]);
  expect(shown.stdout).toContain("+three\n");
  const restored = await sallyport(arena, ["undo", "restore", done.log, "--state", arena.state]);
  expect(restored.exitCode, restored.stdout + restored.stderr).toBe(0);
  expect(treeSnapshot(arena.workspace)).toEqual(before);
});

/** acl(5) as the kernel keeps it: user, user 65534, group, mask and others with these bits. */
function acl(bits: readonly [number, number, number, number, number]): Buffer {
  const tags = [1, 2, 4, 16, 32];
  const bytes = Buffer.alloc(4 + 8 * tags.length);
  bytes.writeUInt32LE(2);
  tags.forEach((tag, at) => {
    bytes.writeUInt16LE(tag, 4 + 8 * at);
    bytes.writeUInt16LE(bits[at]!, 6 + 8 * at);
    bytes.writeUInt32LE(tag === 2 ? NOBODY : 0xffffffff, 8 + 8 * at);
  });
  return bytes;
}

describe.each(OWNERS)("ACLs, with %s", (_, owner) => {
  test("come out of a commit as they were, and on what is new as the directory gives them", async (context) => {
    const obstacle = obstacleOf(owner);
    if (obstacle !== "") context.skip(obstacle);
    using arena = new Arena(owner);
    const at = (name: string): string => join(arena.workspace, name);
    arena.put("workspace/d/old", "old\n");
    binding.fsSetxattr(at("d/old"), "system.posix_acl_access", acl([6, 6, 0, 6, 0]), 0);
    binding.fsSetxattr(at("d"), "system.posix_acl_default", acl([7, 5, 0, 5, 0]), 0);
    const aclOf = (name: string): string | undefined => {
      const found = attributesOf(at(name));
      const value = typeof found === "number" ? undefined : found.find(([key]) => key.endsWith("_access"));
      return value && Buffer.from(value[1]).toString("hex");
    };
    const old = aclOf("d/old");
    expect(old).toBeDefined();
    const run = await staged(arena, ["sh", "-c", "echo more >> d/old; echo new > d/new; mkdir d/sub"]);
    expect(run.exitCode, run.stderr).toBe(0);
    expect((await commitOf(arena, run.run)).kept).toEqual([]);
    expect(readFileSync(at("d/old"), "utf8")).toBe("old\nmore\n");
    expect(aclOf("d/old")).toBe(old);
    expect(aclOf("d/new")).toBe(acl([6, 5, 0, 4, 0]).toString("hex"));
    expect(aclOf("d/sub")).toBe(acl([7, 5, 0, 5, 0]).toString("hex"));
  });
});
