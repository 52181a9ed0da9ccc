import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Arena } from "../support/arena.ts";
import { type Attack, attack } from "../support/attack.ts";

const repository = (args: readonly string[]) => (arena: Arena) => {
  arena.putRepository("workspace");
  return { args };
};

const common = { layer: "broker", rule: /^protected\./, control: "succeeds" } satisfies Partial<Attack>;

const hooksAreAsBefore: NonNullable<Attack["afterwards"]> = (_, arena) => {
  for (const name of ["pre-commit", "post-merge", "pre-push", "post-checkout", "pre-rebase", "update"]) {
    expect(existsSync(join(arena.workspace, ".git/hooks", name)), `.git/hooks/${name} exists`).toBe(false);
  }
};

/** The repository may have been moved as a whole; what stands in its place must not be another. */
const configIsAsBefore: NonNullable<Attack["afterwards"]> = (_, arena) => {
  const config = join(arena.workspace, "project/.git/config");
  if (existsSync(config)) expect(readFileSync(config, "utf8")).toBe("[core]\n\tbare = false\n");
};

attack({
  ...common,
  name: "a hook made in a repository",
  victim: "hooks_direct",
  scene: repository(["."]),
  afterwards: hooksAreAsBefore,
});

attack({
  ...common,
  name: "a hook made in a repository below the workspace",
  victim: "hooks_direct",
  scene: (arena) => {
    arena.putRepository("workspace/deep/project");
    return { args: ["deep/project"] };
  },
});

attack({
  ...common,
  name: "a directory with a hook renamed to .git",
  victim: "rename_into_hooks",
  args: ["new"],
  afterwards: hooksAreAsBefore,
});

attack({
  ...common,
  name: "a directory with a hook, below another, renamed to .git",
  victim: "rename_into_hooks",
  args: ["nested"],
  afterwards: hooksAreAsBefore,
});

attack({
  ...common,
  name: "a directory with a hook renamed to .git/hooks",
  victim: "rename_into_hooks",
  scene: repository(["existing"]),
  afterwards: hooksAreAsBefore,
});

attack({
  ...common,
  name: "a hook renamed or linked into .git/hooks",
  victim: "rename_into_hooks",
  scene: repository(["file"]),
  afterwards: hooksAreAsBefore,
});

attack({
  ...common,
  name: "a symbolic link in place of .git/hooks or .git",
  victim: "hooks_symlink",
  scene: repository([]),
});

attack({
  ...common,
  name: "a hook through a link that stood in the workspace before",
  victim: "hooks_direct",
  scene: (arena) => {
    arena.putRepository("workspace/project");
    symlinkSync("project", join(arena.workspace, "alias"));
    return { args: ["alias"] };
  },
});

for (const [way, what] of [
  ["write", "written, replaced, renamed or linked"],
  ["move-away", "moved away with all of .git, to make place for another"],
  ["exchange", "exchanged with that of a repository of the run's own"],
  ["remake", "removed with all of .git, to make it anew"],
  ["redirect", "bypassed by files that lead git to another"],
] as const) {
  attack({
    ...common,
    name: `the configuration of a repository, ${what}`,
    victim: "git_config",
    scene: (arena) => {
      arena.putRepository("workspace/project");
      arena.put("workspace/project/sub/keep", "");
      arena.put("workspace/project/module/.git", "gitdir: ../.git/modules/module\n");
      return { args: [way, "project"] };
    },
    afterwards: configIsAsBefore,
  });
}

attack({
  ...common,
  name: "the configuration of a nested repository, exchanged with all of its directory",
  victim: "git_config",
  scene: (arena) => {
    arena.putRepository("workspace/project");
    return { args: ["exchange-parent", "project"] };
  },
});

for (const [way, what] of [
  ["link", "a hard link to a symbolic link in place of .git/hooks"],
  ["tree", "a symbolic link hooks in a directory renamed to a repository"],
  ["deep", "a hook moved through a name too long to be searched"],
  ["deep-target", "a hook moved to a name too long to be searched, and on"],
  ["steep", "a hook below more directories than a decision takes, renamed to .git/modules"],
] as const) {
  attack({ ...common, name: what, victim: "plant_hooks", scene: repository([way]) });
}

attack({
  ...common,
  name: "a module configured elsewhere and moved into .git/modules",
  victim: "plant_hooks",
  scene: (arena) => {
    arena.putRepository("workspace/project");
    return { args: ["module"] };
  },
});
