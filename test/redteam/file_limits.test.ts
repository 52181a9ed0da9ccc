import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { type Confined, confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import { changesOf, commitOf, staged } from "../support/staged.ts";
import { treeSnapshot } from "../support/tree_snapshot.ts";

const PYTHON = "/usr/bin/python3";

async function limited(
  arena: Arena,
  limits: string,
  script: string,
  flags: readonly string[] = [],
): Promise<Confined> {
  const profile = arena.put(
    "home/limited.yaml",
    `name: limited\nversion: 1\ndescription: Limited\nextends: [":workspace"]\nfileLimits: ${limits}\n`,
  );
  return await confined(arena, [PYTHON, "-c", script], { profile, flags });
}

/** Ways to have a file of another type in the end, whatever is looked at in between. */
const WAYS: Readonly<Record<string, string>> = {
  "write it": `open("f", "wb").write(BAD)`,
  "write text, and the rest by a descriptor that is kept": `
import time
fd = os.open("f", os.O_RDWR | os.O_CREAT); other = os.open("f", os.O_WRONLY); os.write(fd, b"text"); os.close(fd)
time.sleep(0.3); os.pwrite(other, BAD, 0)`,
  "write it through a mapping after everything is closed": `
import mmap
fd = os.open("f", os.O_RDWR | os.O_CREAT); os.write(fd, b"t" * 4096); m = mmap.mmap(fd, 4096); os.close(fd); m[:len(BAD)] = BAD`,
  "write it under another name and rename": `open("g", "wb").write(BAD); os.rename("g", "f")`,
  "write it in the temporary directory and move it in": `
t = os.environ["TMPDIR"] + "/t"; open(t, "wb").write(BAD); os.rename(t, "f")`,
  "write it by a second name": `open("g", "wb").write(b"text"); os.link("g", "f"); open("g", "r+b").write(BAD)`,
  "write it to an unnamed file and give it a name": `
fd = os.open(".", os.O_RDWR | os.O_TMPFILE); os.write(fd, BAD); os.link("/proc/self/fd/%d" % fd, "f", follow_symlinks=True)`,
  "write it by a child that outlives its parent": `
if os.fork() == 0:
    os.setsid()
    fd = os.open("f", os.O_RDWR | os.O_CREAT)
    while True: os.pwrite(fd, BAD, 0)
import time; time.sleep(1)`,
  "change what was there in place": `open("old", "r+b").write(BAD)`,
  "take away the right to read it": `open("f", "wb").write(BAD); os.chmod("f", 0)`,
};

describe.each([
  ["root", undefined],
  ["nobody", NOBODY],
] as const)("as %s", (who, owner) => {
  beforeEach((context) => {
    const obstacle = who === "nobody" ? unprivilegedObstacle() : "";
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  });

  test.each(Object.keys(WAYS))("a type that is not granted does not stay: %s", async (way) => {
    using arena = new Arena(owner);
    arena.put("workspace/old", "old text\n");
    const before = treeSnapshot(arena.workspace);
    const script = `import os\nBAD = b"\\x7fELF" + bytes(200)\n${WAYS[way]}`;
    const run = await limited(arena, "{ mimeTypes: [text/plain] }", script);
    expect(run.report, run.stderr).not.toBeNull();
    const isOld = way.startsWith("change");
    expect(run.stderr).toContain("(rule files.mime-type)");
    expect(run.stderr).toContain("the file was put back as it was");
    expect(run.records.some(({ kind, rule }) => kind === "deny" && rule === "files.mime-type")).toBe(true);
    const names = readdirSync(arena.workspace);
    for (const name of names)
      expect(readFileSync(join(arena.workspace, name)).includes("\x7fELF"), name).toBe(false);
    if (isOld) expect(treeSnapshot(arena.workspace)).toEqual(before);
    else expect(existsSync(join(arena.workspace, "f"))).toBe(false);
  });
});

test("what is granted stays, beside what is not, and the rest can still be put back", async () => {
  using arena = new Arena();
  arena.put("workspace/old", "old\n");
  const before = treeSnapshot(arena.workspace);
  const script = `open("good", "w").write("text"); open("bad", "wb").write(bytes(10)); open("old", "w").write("new"); open("empty", "w")`;
  const run = await limited(arena, '{ mimeTypes: ["text/*"] }', script);
  expect(run.exitCode, run.stderr).toBe(0);
  expect(readdirSync(arena.workspace).sort()).toEqual(["empty", "good", "old"]);
  expect(readFileSync(join(arena.workspace, "old"), "utf8")).toBe("new");
  expect(run.report?.undoable).toBe(3);
  const listed = await sallyport(arena, ["undo", "list", "--state", arena.state]);
  expect(listed.stdout).toContain(" · kept");
  const restored = await sallyport(arena, ["undo", "restore", run.report!.run, "--state", arena.state]);
  expect(restored.exitCode, restored.stdout).toBe(0);
  expect(treeSnapshot(arena.workspace)).toEqual(before);
});

/** Ways to grow beyond 1000 bytes. The kernel refuses the program; the broker must not do it in its place. */
const GROWTHS: readonly string[] = [
  `f = open("f", "wb"); f.write(bytes(2000)); f.flush()`,
  `f = open("f", "wb"); f.write(bytes(900)); f.flush(); f.write(bytes(900)); f.flush()`,
  `f = open("f", "wb"); os.ftruncate(f.fileno(), 2000)`,
  `open("f", "wb"); os.truncate("f", 2000)`,
  `f = open("f", "wb"); os.posix_fallocate(f.fileno(), 0, 2000)`,
  `f = open("f", "wb"); os.pwrite(f.fileno(), b"x", 1999)`,
  `f = open("f", "ab"); g = open("f", "ab"); f.write(bytes(900)); f.flush(); g.write(bytes(900)); g.flush()`,
  `open("t", "wb").write(bytes(1000)); f = open("f", "wb"); s = open("t", "rb"); os.sendfile(f.fileno(), s.fileno(), 0, 1000); os.copy_file_range(s.fileno(), f.fileno(), 1000, 0, 1000)`,
  `resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30)); open("f", "wb").write(bytes(2000))`,
];

test.each(GROWTHS)("no file grows beyond the limit: %s", async (growth) => {
  using arena = new Arena();
  const script = `import os, resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n${growth}`;
  const run = await limited(arena, "{ maxBytes: 1000 }", script);
  expect(run.exitCode, run.stderr).not.toBe(0);
  expect(run.stderr).toMatch(/File too large|not allowed to raise/);
  for (const name of readdirSync(arena.workspace))
    expect(statSync(join(arena.workspace, name)).size, name).toBeLessThanOrEqual(1000);
});

test("a file that was larger before may not be changed, and is what it was in the end", async () => {
  using arena = new Arena();
  arena.put("workspace/large", "x".repeat(5000));
  const run = await limited(arena, "{ maxBytes: 1000 }", `open("large", "r+b").write(b"yy")`);
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.stderr).toContain("it has 5000 bytes, and a file may have 1000; the file was put back");
  expect(readFileSync(join(arena.workspace, "large"), "utf8")).toBe("x".repeat(5000));
});

test("one file too many is refused, and counts what is there and not what was", async () => {
  using arena = new Arena();
  for (const name of ["a", "b"]) arena.put(`workspace/${name}`, "old\n");
  const script = `
import os
for i in range(20): open("temporary", "w").write("x"); os.unlink("temporary")
for i in range(20): os.close(os.open(".", os.O_RDWR | os.O_TMPFILE))
open("a", "w").write("new"); open("b", "r+").write("new"); open("c", "w")
tries = [lambda: open("d", "w"), lambda: os.mkdir("d"), lambda: os.symlink("a", "d"), lambda: os.mkfifo("d")]
for act in tries:
    try: act()
    except OSError as error: print(error.errno)
os.unlink("c"); open("d", "w"); print("again")
`;
  const run = await limited(arena, "{ maxFiles: 3 }", script);
  expect(run.stdout, run.stderr).toBe("122\n122\n122\n122\nagain\n");
  expect(readdirSync(arena.workspace).sort()).toEqual(["a", "b", "d"]);
  expect(run.report?.denied.map(({ rule }) => rule)).toEqual(expect.arrayContaining(["files.max-files"]));
});

test("limits are not to be had without undo", async () => {
  using arena = new Arena();
  const run = await limited(arena, "{ maxFiles: 3 }", "pass", ["--undo", "off"]);
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain("without undo");
});

test("a commit keeps back what is beyond them", async () => {
  using arena = new Arena();
  arena.put("workspace/a", "old\n");
  const profile = arena.put(
    "home/limited.yaml",
    'name: limited\nversion: 1\ndescription: Limited\nextends: [":workspace"]\nfileLimits: { mimeTypes: [text/plain] }\n',
  );
  const script = `open("a", "w").write("new\\n"); open("bad", "wb").write(bytes(9))`;
  const run = await staged(arena, [PYTHON, "-c", script], { profile });
  const bad = (await changesOf(arena, run.run)).find(({ path }) => path === "bad");
  expect(bad?.keptBecause).toContain("rule files.mime-type");
  const done = await commitOf(arena, run.run);
  expect(done.committed).toEqual(["a"]);
  expect(done.kept.map(({ path }) => path)).toEqual(["bad"]);
  expect(existsSync(join(arena.workspace, "bad"))).toBe(false);
});
