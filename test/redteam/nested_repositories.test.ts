import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";

/**
 * A program puts a repository of its own into the index of one that a person uses, and the person's `git status` then runs what
 * its configuration names. The same script outside shows that git does so.
 */
const ENTER = `
  git -C "$OUTER" update-index --add --cacheinfo 160000,$(git -C "$INNER" rev-parse HEAD),"$ENTRY" || exit 3`;
const FILL = `
  export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
  seed() { git init -q "$1" && echo x > "$1/file" && git -C "$1" add file && git -C "$1" commit -qm one; }
  bare() {
    seed seed && mkdir -p "$1" && evil "$1/config" && cp -r seed/.git/objects seed/.git/refs seed/.git/HEAD "$1" && rm -rf seed
  }
  evil() { printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tfsmonitor = "touch %s; false"\\n' "$MARK" > "$1"; }`;

const WAYS: Readonly<Record<string, { readonly outer: "before" | "of the run"; readonly script: string }>> = {
  "written over the configuration": {
    outer: "before",
    script: `seed sub; evil sub/.git/config; INNER=sub`,
  },
  "by git config": {
    outer: "before",
    script: `seed sub; git -C sub config core.fsmonitor "touch $MARK; false"; INNER=sub`,
  },
  "in a git directory of another name": {
    outer: "before",
    script: `mkdir sub; bare sub/meta; echo 'gitdir: meta' > sub/.git; INNER=sub`,
  },
  "by a file exchanged with a git directory": {
    outer: "before",
    script: `mkdir -p sub/.git; bare sub/meta; echo 'gitdir: meta' > sub/lead; python3 -c 'import ctypes
ctypes.CDLL(None).renameat2(-100, b"sub/lead", -100, b"sub/.git", 2)'; INNER=sub`,
  },
  "by a link to a git directory": {
    outer: "before",
    script: `mkdir sub; bare sub/meta; ln -s meta sub/.git; INNER=sub`,
  },
  "in what a linked worktree belongs to": {
    outer: "before",
    script: `bare evil; mkdir -p sub .git/worktrees/sub; cp evil/HEAD .git/worktrees/sub/HEAD
      echo "$PWD/sub/.git" > .git/worktrees/sub/gitdir; echo "$PWD/evil" > .git/worktrees/sub/commondir
      echo "gitdir: $PWD/.git/worktrees/sub" > sub/.git; INNER=sub`,
  },
  "in a worktree's directory that stands alone": {
    outer: "before",
    script: `mkdir -p sub .git/worktrees; bare alone; mkdir .git/worktrees/sub; cp -r alone/HEAD alone/objects alone/refs .git/worktrees/sub; evil .git/worktrees/sub/config
      mkdir .git/worktrees/sub/hooks; echo "$PWD/sub/.git" > .git/worktrees/sub/gitdir
      printf '#!/bin/sh\\ntouch %s\\n' "$MARK" > .git/worktrees/sub/hooks/post-index-change; chmod +x .git/worktrees/sub/hooks/*
      echo "gitdir: $PWD/.git/worktrees/sub" > sub/.git; INNER=sub`,
  },
  "in a worktree that another file leads to": {
    outer: "before",
    script: `git worktree add -q sub; bare evil; rm sub/.git; echo 'gitdir: ../evil' > sub/.git; INNER=sub`,
  },
  "in a place that no repository holds, moved in": {
    outer: "before",
    script: `seed "$TMPDIR/sub"; evil "$TMPDIR/sub/.git/config"; seed ../free; evil ../free/.git/config
      mv ../free sub; INNER=sub`,
  },
  "before the outer repository is made": {
    outer: "of the run",
    script: `seed sub; evil sub/.git/config; exec 7>> sub/.git/config; git init -q .; INNER=sub`,
  },
};

const arenas: Arena[] = [];
afterEach(() => {
  for (const arena of arenas.splice(0)) arena[Symbol.dispose]();
});

for (const [name, { outer, script }] of Object.entries(WAYS)) {
  test(`a repository in another one's working tree has no configuration of the run's choosing: ${name}`, async () => {
    const plain = new Arena();
    const inside = new Arena();
    arenas.push(plain, inside);
    for (const arena of [plain, inside]) prepare(arena, outer);

    const task = (arena: Arena): string => `cd outer; MARK='${mark(arena)}'; OUTER=.; ENTRY=sub; ${FILL}
      ${script}${ENTER}`;
    execFileSync("bash", ["-c", task(plain)], {
      cwd: plain.workspace,
      stdio: "ignore",
      env: environment(plain),
    });
    expect(status(plain), "the control").toBe("owned");

    const run = await confined(inside, ["bash", "-c", task(inside)]);
    expect(status(inside), run.stderr).toBe("clean");
    const rules = run.records.map(({ rule }) => rule);
    expect(rules.some((rule) => /^protected\.|^git-worktree\.known-content$/.test(rule ?? ""))).toBe(true);
  });
}

function prepare(arena: Arena, outer: "before" | "of the run"): void {
  const directory = join(arena.workspace, "outer");
  arena.put("workspace/outer/keep", "");
  if (outer === "of the run") return;
  execFileSync("git", ["init", "-q", directory]);
  execFileSync("git", ["-C", directory, ...AUTHOR, "commit", "-qm", "first", "--allow-empty"]);
}
const AUTHOR = ["-c", "user.name=p", "-c", "user.email=p@q"];

function environment(arena: Arena): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], HOME: arena.home, TMPDIR: arena.outside };
}

function mark(arena: Arena): string {
  return join(arena.workspace, "owned");
}

/** What the person does afterwards. */
function status(arena: Arena): "owned" | "clean" {
  rmSync(mark(arena), { force: true });
  try {
    execFileSync("git", ["-C", join(arena.workspace, "outer"), "status", "--porcelain=2"], {
      stdio: "ignore",
      env: environment(arena),
    });
  } catch {
    // A repository that is spoilt, or none, runs nothing either.
  }
  return existsSync(mark(arena)) ? "owned" : "clean";
}
