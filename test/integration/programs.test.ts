import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { type Confined, confined } from "../support/confined.ts";
import { execute } from "../support/process.ts";

const git = (directory: string, ...args: string[]): void => {
  const identity = [
    "-c",
    "user.name=Test",
    "-c",
    "user.email=test@example.org",
    "-c",
    "init.defaultBranch=main",
  ];
  execFileSync("git", [...identity, ...args], { cwd: directory, stdio: "ignore" });
};

const IDENTITY = "-c user.name=Agent -c user.email=agent@example.org";

function sourceRepository(arena: Arena): string {
  const repository = arena.outside;
  git(repository, "init", "-q");
  git(repository, "add", ".");
  git(repository, "commit", "-qm", "first");
  return repository;
}

async function bash(arena: Arena, script: string, flags: readonly string[] = []): Promise<Confined> {
  const run = await confined(arena, ["bash", "-ec", script], { flags });
  expect(run.exitCode, run.stderr).toBe(0);
  return run;
}

/** Runs a script inside and outside, each in an arena of its own, and expects the same words and the same end. */
async function asOutside(script: string, prepare: (arena: Arena) => void = () => {}): Promise<void> {
  using outside = new Arena();
  using inside = new Arena();
  for (const arena of [outside, inside]) prepare(arena);
  const plain = await execute(["bash", "-c", script], { cwd: outside.workspace });
  const run = await confined(inside, ["bash", "-c", script]);
  expect(run.stdout, run.stderr).toBe(plain.stdout);
  expect(run.exitCode, run.stderr).toBe(plain.exitCode);
}

test("git clones a local repository, and commits into the clone", async () => {
  using arena = new Arena();
  const source = sourceRepository(arena);
  const script = `git clone -q ${source} w && cd w && echo more > more && git add more && git ${IDENTITY} commit -qm second && git log --format=%s && git status --short && git config user.name Agent && git fsck`;
  const run = await bash(arena, script, ["--read", source]);
  expect(run.stdout).toBe("second\nfirst\n");
  expect(run.report?.changedFiles).toContain(join(arena.workspace, "w/more"));
  expect(readFileSync(join(arena.workspace, "w/.git/config"), "utf8")).toContain("name = Agent");
});

test("git clones, adds worktrees and makes repositories inside a repository that was there before", async () => {
  using arena = new Arena();
  arena.put("workspace/file", "one\n");
  git(arena.workspace, "init", "-q");
  git(arena.workspace, "add", ".");
  git(arena.workspace, "commit", "-qm", "first");
  const script = [
    "git worktree add -q trees/x -b topic",
    `(cd trees/x && echo two > two && git add two && git ${IDENTITY} commit -qm second)`,
    "git merge -q topic",
    "git worktree remove trees/x",
    "git clone -q . copy",
    "git -C copy log --format=%s",
    "git -C copy config user.name Agent",
    "rm -rf copy",
    "git init -q new",
    "git worktree list | wc -l",
  ];
  const run = await bash(arena, script.join(" && "));
  expect(run.stdout).toBe("second\nfirst\n1\n");
  expect(run.report?.denials, run.stderr).toBe(0);
});

test("git works in a repository that was there before: commits, branches, merges, stashes", async () => {
  using arena = new Arena();
  arena.put("workspace/file", "one\n");
  git(arena.workspace, "init", "-q");
  git(arena.workspace, "add", ".");
  git(arena.workspace, "commit", "-qm", "first");
  const script = [
    "echo two >> file",
    `git ${IDENTITY} commit -qam second`,
    "git checkout -qb topic",
    "echo three >> file",
    `git ${IDENTITY} commit -qam third`,
    "git checkout -q main",
    "git merge -q topic",
    "echo four >> file",
    `git ${IDENTITY} stash -q`,
    "git stash pop -q",
    "git checkout -q file",
    "git gc -q",
    "git log --format=%s",
  ];
  expect((await bash(arena, script.join(" && "))).stdout).toBe("third\nsecond\nfirst\n");
});

test("a repository that the run makes takes samples of hooks and a configuration", async () => {
  using arena = new Arena();
  const run = await bash(
    arena,
    "git init -q r && cd r && git config core.abbrev 12 && ls .git/hooks | head -1",
  );
  expect(run.stdout).toMatch(/\.sample$/m);
  expect(run.report?.denials, run.stderr).toBe(0);
});

test("npm init makes a package", async () => {
  using arena = new Arena();
  const run = await bash(arena, "npm init -y > /dev/null && node -p 'require(\"./package.json\").version'");
  expect(run.stdout).toBe("1.0.0\n");
});

test("a C program is compiled and run", async () => {
  await asOutside("gcc -o hello hello.c && ./hello", (arena) => {
    arena.put("workspace/hello.c", '#include <stdio.h>\nint main(void) { puts("hello"); return 5; }\n');
  });
});

test.each([
  [
    "python",
    'python3 -c \'import json, email, http.client, tempfile; f = open("x", "w"); f.write("y"); f.close(); print(json.dumps(open("x").read()))\'',
  ],
  [
    "python's processes",
    "python3 -c 'import multiprocessing as m; p = m.Pool(2); print(p.map(abs, [-1, -2, -3]))'",
  ],
  [
    "python's temporary files",
    "python3 -c 'import tempfile; t = tempfile.NamedTemporaryFile(); t.write(b\"x\"); t.flush(); print(open(t.name).read())'",
  ],
  [
    "node",
    'node -e \'const fs = require("fs"); fs.mkdirSync("a/b", {recursive: true}); fs.writeFileSync("a/b/c", "x"); fs.cpSync("a", "d", {recursive: true}); fs.rmSync("a", {recursive: true}); console.log(fs.readdirSync("d/b"))\'',
  ],
  ["a node worker", 'node -e \'new (require("worker_threads").Worker)("console.log(7)", {eval: true})\''],
  ["sort over temporary files", "seq 100000 | sort -S 1M | uniq -c | tail -3"],
  ["a here-document", "cat <<'X'\nhere\nX"],
  ["process substitution", "diff <(seq 3) <(seq 4); echo $?"],
  ["a FIFO", "mkfifo p; echo through > p & cat p; wait; rm p"],
  [
    "writing to the streams by name",
    "echo one > /dev/stdout; echo two > /dev/fd/1; echo three > /proc/self/fd/1; echo no > /dev/null",
  ],
  ["reading the input by name", "echo input | cat /dev/stdin"],
  [
    "tar and find",
    "mkdir -p t/u; touch t/u/v; chmod 640 t/u/v; tar cf t.tar t; rm -r t; tar xf t.tar; find t -printf '%p %m\\n' | sort",
  ],
  ["links", "echo x > a; ln a b; ln -s a c; cat b c; stat -c %h a; readlink c"],
  [
    "sed in place, mv, cp -a, touch",
    "echo x > a; sed -i s/x/y/ a; cp -a a b; mv b c; touch -d @1000 c; stat -c '%Y %s' c; cat c",
  ],
  ["umask", "umask 027; mkdir m; touch f; stat -c %a m f; (umask 0; touch g); stat -c %a g"],
  ["a file that cannot be opened", "cat nothing 2>&1; echo $?"],
  [
    "appending from two processes",
    "for i in 1 2; do (for j in $(seq 50); do echo $i >> log; done) & done; wait; wc -l < log",
  ],
  ["vim", "printf 'one\\n' > v; vim -u NONE -es -c 's/one/two/' -c 'wq' v < /dev/null; cat v"],
  ["make", "printf 'all: a b\\na b:\\n\\techo $@ > $@\\n' > Makefile; make -s -j4; cat a b"],
  [
    "a shell script with its own interpreter",
    "printf '#!/bin/bash\\necho $0 $1\\n' > s; chmod +x s; ./s arg",
  ],
])("unmodified programs behave as outside: %s", async (_, script) => {
  await asOutside(script);
});

test("a hundred pipelines of three stages, with a loaded machine beside them", async () => {
  using arena = new Arena();
  const load = "(while [ -e load ]; do :; done) & (while [ -e load ]; do :; done) &";
  const loop = "for i in $(seq 100); do seq $i 500 | sort -r | tail -1 | cat >> out; done";
  await bash(arena, `touch load; ${load} ${loop}; rm load; wait`);
  const lines = readFileSync(join(arena.workspace, "out"), "utf8").trimEnd().split("\n");
  expect(lines).toEqual(Array.from({ length: 100 }, (__, at) => String(at + 1)).map(lastOfReverse));
});

/** `sort -r | tail -1` is the least in the order of text. */
function lastOfReverse(first: string): string {
  const all = Array.from({ length: 501 - Number(first) }, (_, at) => String(Number(first) + at));
  return all.sort()[0] ?? "";
}
