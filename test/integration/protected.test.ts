import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";

/** One name of each kind, none of which is there before the run. */
const NAMES: Readonly<Record<string, string>> = {
  ".vscode/tasks.json": "protected.editors",
  "deep/.idea/workspace.xml": "protected.editors",
  "deep/project.code-workspace": "protected.editors",
  ".devcontainer.json": "protected.editors",
  ".mcp.json": "protected.agents",
  "deep/.claude/settings.json": "protected.agents",
  ".cursor/mcp.json": "protected.agents",
  ".github/workflows/build.yml": "protected.continuous-integration",
  ".gitlab-ci.yml": "protected.continuous-integration",
  Jenkinsfile: "protected.continuous-integration",
  ".envrc": "protected.shell",
  "deep/.git/hooks/pre-commit": "protected.git-hooks",
  ".env": "secrets.files",
  "deep/.env.production": "secrets.files",
};

/** Tries to make the name and all that leads to it, in each way that there is, and says which one worked. */
const TRY = `
import os, sys
for name in sys.argv[1:]:
    parent = os.path.dirname(name)
    ways = {
        "makedirs": lambda: os.makedirs(parent or ".", exist_ok=True),
        "open": lambda: os.close(os.open(name, os.O_WRONLY | os.O_CREAT)),
        "rename": lambda: (open("spare", "w").close(), os.rename("spare", name)),
        "link": lambda: (open("spare", "w").close(), os.link("spare", name)),
        "symlink": lambda: os.symlink("spare", name),
        "mkdir": lambda: os.mkdir(name),
        "mknod": lambda: os.mknod(name),
    }
    for way, act in ways.items():
        try: act()
        except OSError: pass
    if os.path.lexists(name): print(name)
`;

test("protected names can not be made where they are not yet, and nothing is left in their place", async () => {
  using arena = new Arena();
  mkdirSync(join(arena.workspace, "deep"));
  const run = await confined(arena, ["python3", "-c", TRY, ...Object.keys(NAMES)]);
  expect(run.stdout).toBe("");
  expect(run.exitCode, run.stderr).toBe(0);
  for (const [name, rule] of Object.entries(NAMES)) {
    expect(existsSync(join(arena.workspace, name)), name).toBe(false);
    const denials = run.records.filter(({ kind, path, to }) => {
      const refused = to ?? path ?? "";
      return kind === "deny" && join(arena.workspace, name).startsWith(refused);
    });
    expect(
      denials.map((record) => record.rule),
      name,
    ).toContain(rule);
  }
});

test("a run that is refused leaves no file or directory that the person did not have", async () => {
  using arena = new Arena();
  mkdirSync(join(arena.workspace, "deep"));
  const before = readdirSync(arena.workspace, { recursive: true });
  await confined(arena, [
    "bash",
    "-c",
    Object.keys(NAMES)
      .map((name) => `echo x > ${name}; cat ${name}`)
      .join("; "),
  ]);
  expect(readdirSync(arena.workspace, { recursive: true })).toEqual(before);
});

test("--protect package-scripts keeps what a package manager runs, in the workspace but not in what the run makes", async () => {
  using arena = new Arena();
  arena.put("workspace/package.json", "{}\n");
  const script = `echo evil > package.json; echo evil > setup.py; mkdir -p other && echo '{"own":1}' > other/package.json; cat other/package.json`;
  const free = await confined(arena, ["bash", "-c", "echo '{ }' > package.json"]);
  expect(free.report?.denials).toBe(0);
  const run = await confined(arena, ["bash", "-c", script], { flags: ["--protect", "package-scripts"] });
  expect(run.stdout).toBe('{"own":1}\n');
  expect(readFileSync(join(arena.workspace, "package.json"), "utf8")).toBe("{ }\n");
  expect(existsSync(join(arena.workspace, "setup.py"))).toBe(false);
  expect(run.report?.denied.map(({ rule }) => rule)).toEqual([
    "protected.package-scripts",
    "protected.package-scripts",
  ]);
});
