import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Arena } from "../support/arena.ts";
import { type Attack, attack } from "../support/attack.ts";

const common = { layer: "broker", rule: /^protected\./, control: "succeeds" } satisfies Partial<Attack>;

const withHooksPath = (arena: Arena, repository: string, value: string): void => {
  arena.putRepository(repository);
  arena.put(join(repository, ".git/config"), `[core]\n\tbare = false\n\thooksPath = ${value}\n`);
};

/** A git directory under a name that no rule speaks of, as --separate-git-dir makes it. */
const withSeparate = (arena: Arena): void => {
  arena.put("workspace/meta/config", "[core]\n\tbare = false\n");
  arena.put("workspace/meta/HEAD", "ref: refs/heads/main\n");
  arena.put("workspace/meta/refs/heads/keep", "");
  arena.put("workspace/meta/objects/info/keep", "");
  arena.put("workspace/meta/info/exclude", "");
  arena.put("workspace/checkout/.git", "gitdir: ../meta\n");
};

for (const [name, hooks, prepare] of [
  [
    "the directory of core.hooksPath",
    ".githooks",
    (arena) => {
      withHooksPath(arena, "workspace", ".githooks");
      arena.put("workspace/.githooks/README", "");
    },
  ],
  [
    "the directory of core.hooksPath, which does not exist yet",
    ".githooks",
    (arena) => withHooksPath(arena, "workspace", '"./.githooks" # of the team'),
  ],
  [
    "that of a nested repository",
    "deep/project/tools/hooks",
    (arena) => {
      withHooksPath(arena, "workspace/deep/project", "tools/hooks");
      arena.put("workspace/deep/project/tools/hooks/lib.sh", "");
    },
  ],
  [
    "that of a file that the configuration includes",
    ".githooks",
    (arena) => {
      arena.putRepository("workspace");
      arena.put("workspace/.git/config", "[include]\n\tpath = ../team.ini\n");
      arena.put("workspace/team.ini", "[core]\n\thooksPath = .githooks\n");
      arena.put("workspace/.githooks/README", "");
    },
  ],
  [
    "the hooks of a git directory of another name",
    "meta/hooks",
    (arena) => {
      withSeparate(arena);
      mkdirSync(join(arena.workspace, "meta/hooks"));
    },
  ],
  [
    "the hooks of the repository that a linked worktree belongs to",
    "meta/hooks",
    (arena) => {
      withSeparate(arena);
      arena.put("workspace/meta/worktrees/w/HEAD", "ref: refs/heads/w\n");
      arena.put("workspace/meta/worktrees/w/commondir", "../..\n");
      arena.put("workspace/meta/worktrees/w/gitdir", join(arena.workspace, "linked/.git"));
      arena.put("workspace/linked/.git", "gitdir: ../meta/worktrees/w\n");
      mkdirSync(join(arena.workspace, "meta/hooks"));
    },
  ],
] as [string, string, (arena: Arena) => void][]) {
  attack({
    ...common,
    name: `a hook in ${name}`,
    victim: "plant_hook",
    scene: (arena) => {
      prepare(arena);
      return { args: [hooks] };
    },
    afterwards: (_, arena) => {
      for (const hook of ["pre-commit", "post-commit", "pre-push", "post-merge"])
        expect(existsSync(join(arena.workspace, hooks, hook)), hook).toBe(false);
    },
  });
}

for (const [way, name] of [
  ["bare", "a directory of old becomes a bare repository"],
  ["dot-git", "a directory of old becomes a repository with a configuration of the run's choosing"],
] as const) {
  attack({
    ...common,
    name,
    victim: "plant_repository",
    scene: (arena) => {
      arena.put("workspace/src/main.c", "");
      return { args: [way, "src"] };
    },
  });
}

for (const [way, name] of [
  ["keys", "a key that names a program, by the way that git writes its configuration"],
  ["held", "a descriptor of the file that became the configuration"],
  ["linked", "a second name of the file that is to become the configuration"],
] as const) {
  attack({
    ...common,
    name,
    victim: "plant_repository",
    scene: (arena) => {
      arena.putRepository("workspace");
      return { args: [way, "."] };
    },
    afterwards: (_, arena) => {
      const text = readFileSync(join(arena.workspace, ".git/config"), "utf8");
      expect(text).toContain("bare = false");
      expect(text).not.toContain("fsmonitor");
    },
  });
}

attack({
  ...common,
  name: "the configuration of a git directory of another name",
  victim: "plant_repository",
  scene: (arena) => {
    withSeparate(arena);
    return { args: ["configure", "meta"] };
  },
});
