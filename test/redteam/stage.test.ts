import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Arena, fingerprint } from "../support/arena.ts";
import { confined, recordsOf } from "../support/confined.ts";
import { HANDMADE_RUN, handmadeStage, putFile, putWhiteout } from "../support/handmade_stage.ts";
import { placeVictim, REFUSED, SUCCEEDED } from "../support/hostile.ts";
import { launcherProgram } from "../support/launch.ts";
import { execute } from "../support/process.ts";
import { changesOf, commitOf, staged, stagesOf } from "../support/staged.ts";

const IS_ROOT = process.geteuid!() === 0;
const NEEDS_ROOT = "skipped: needs root to make devices and marks, this machine has a user";

describe("from inside", () => {
  test("the mount is the way out for a program that is not confined", async (context) => {
    if (!IS_ROOT) context.skip(NEEDS_ROOT);
    using arena = new Arena();
    const stage = join(arena.root, "stage");
    for (const name of ["", "upper", "work"]) mkdirSync(join(stage, name));
    const victim = placeVictim(arena, "stage_escape");
    const args = [
      "stage",
      arena.workspace,
      stage,
      "control",
      "2",
      victim,
      victim,
      arena.workspace,
      `${stage}/`,
    ];
    const run = await execute([launcherProgram, ...args]);
    // The last argument of the victim got the outcome of the mount behind it.
    expect(run.exitCode, run.stdout).toBe(SUCCEEDED);
    expect(run.stdout).toMatch(/another root WORKED.*mark WORKED.*move WORKED/);
    expect(readFileSync(join(arena.workspace, "escaped"), "utf8")).toBe("escaped\n");
  });

  test("nothing leads out of a stage: no mount, no namespace, no other process, no mark, no layer", async () => {
    using arena = new Arena();
    const victim = placeVictim(arena, "stage_escape");
    const before = fingerprint(arena.workspace);
    const guess = join(arena.state, "stages");
    const run = await staged(arena, [
      "sh",
      "-c",
      `s=$(ls ${guess} 2>/dev/null); exec "$0" "$1" ${guess}/$s`,
      victim,
      arena.workspace,
    ]);
    expect(run.exitCode, run.stdout).toBe(REFUSED);
    expect(fingerprint(arena.workspace)).toBe(before);
    const rules = new Set(run.records.filter(({ kind }) => kind === "deny").map(({ rule }) => rule));
    for (const rule of ["protected.state", "protected.magic-link"]) expect(rules).toContain(rule);
  });

  test("marks of overlayfs that a program sets are its own attributes, and hide nothing", async () => {
    using arena = new Arena();
    arena.put("workspace/d/kept", "kept\n");
    arena.put("workspace/f", "f\n");
    const script = [
      "import os",
      "for name in ('user.overlay.opaque', 'user.overlay.whiteout', 'user.overlay.redirect', 'user.overlay.overlay.opaque'):",
      "    for path in ('d', 'f'): os.setxattr(path, name, b'y')",
    ].join("\n");
    const run = await staged(arena, ["python3", "-c", script]);
    expect(run.exitCode, run.stderr).toBe(0);
    const changes = await changesOf(arena, run.run);
    expect(changes.map(({ what, path }) => `${what} ${path}`)).toEqual(["metadata d", "metadata f"]);
    expect((await commitOf(arena, run.run)).kept).toEqual([]);
    expect(readFileSync(join(arena.workspace, "d/kept"), "utf8")).toBe("kept\n");
    expect(readFileSync(join(arena.workspace, "f"), "utf8")).toBe("f\n");
  });

  test("files that a rule denies can neither be made in the stage nor seen through it", async () => {
    using arena = new Arena();
    arena.putRepository("workspace/r");
    arena.put("workspace/.env", "SECRET=1\n");
    const script =
      "cat .env; echo x > .env; rm .env; mv .env y; echo x > r/.git/hooks/post-commit; echo x >> r/.git/config; exit 0";
    const run = await staged(arena, ["sh", "-c", script]);
    expect(run.stdout).toBe("");
    expect(await changesOf(arena, run.run)).toEqual([]);
  });
});

describe("what is in the layer", () => {
  test("a link that leads to what the run could not read is kept back", async () => {
    using arena = new Arena();
    const script = `ln -s ${arena.outside}/secret out; ln -s ../outside/secret up; ln -s /usr/bin/env tool; ln -s d/f in; ln -s / root`;
    const run = await staged(arena, ["sh", "-c", script]);
    const done = await commitOf(arena, run.run);
    expect(done.committed).toEqual(["in", "tool"]);
    expect(done.kept.map(({ path }) => path)).toEqual(["out", "root", "up"]);
    for (const { reason } of done.kept) expect(reason).toContain("leads out of the workspace");
  });

  test.each(["directory", "file"] as const)(
    "nothing is written through a link that somebody put in the place of a %s meanwhile",
    async (kind) => {
      using arena = new Arena();
      arena.put("workspace/d/victim", "inside\n");
      const run = await staged(arena, [
        "sh",
        "-c",
        "echo run > d/victim; echo run > d/fresh; chmod 700 d; rm -f d/empty",
      ]);
      const before = fingerprint(arena.outside);
      const at = kind === "directory" ? "d" : "d/victim";
      renameSync(join(arena.workspace, at), join(arena.workspace, "aside"));
      symlinkSync(join(arena.outside, kind === "directory" ? "" : "victim"), join(arena.workspace, at));
      const done = await commitOf(arena, run.run);
      expect(done.committed).toEqual(kind === "directory" ? [] : ["d/fresh"]);
      expect(fingerprint(arena.outside)).toBe(before);
    },
  );

  test("a setuid bit is not carried over, and neither is what has one", async (context) => {
    if (!IS_ROOT) context.skip(NEEDS_ROOT);
    using arena = new Arena();
    const there = arena.put("workspace/there", "there\n");
    chmodSync(there, 0o4755);
    await handmadeStage(arena, (at) => {
      putFile(at("fresh"), "x");
      chmodSync(at("fresh"), 0o4755);
      putFile(at("there"), "changed\n");
      chmodSync(at("there"), 0o6755);
    });
    const done = await commitOf(arena, HANDMADE_RUN);
    expect(done.committed).toEqual([]);
    expect(done.kept.map(({ reason }) => reason)).toEqual(Array(2).fill("it has the setuid or setgid bit"));
    expect(existsSync(join(arena.workspace, "fresh"))).toBe(false);
    expect(readFileSync(there, "utf8")).toBe("there\n");
  });

  test("a device and a socket are kept back, and so is an attribute that carries privilege", async (context) => {
    if (!IS_ROOT) context.skip(NEEDS_ROOT);
    using arena = new Arena();
    await handmadeStage(arena, (at) => {
      execFileSync("mknod", [at("null"), "c", "1", "3"]);
      execFileSync("python3", [
        "-c",
        `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(at("s"))})`,
      ]);
      putFile(at("capable"), "x");
      execFileSync("python3", [
        "-c",
        // cap_setuid, as capabilities(7) lays it out in revision 2.
        `import os, struct; os.setxattr(${JSON.stringify(at("capable"))}, 'security.capability', struct.pack('<5I', 0x02000001, 1 << 7, 0, 0, 0))`,
      ]);
    });
    const done = await commitOf(arena, HANDMADE_RUN);
    expect(done.committed).toEqual([]);
    expect(done.kept.map(({ path }) => path)).toEqual(["capable", "null", "s"]);
    expect(readdirSync(arena.workspace)).toEqual([]);
  });

  test("what the rules deny is refused at the commit too, and on record", async (context) => {
    if (!IS_ROOT) context.skip(NEEDS_ROOT);
    using arena = new Arena();
    arena.putRepository("workspace/r");
    arena.put("workspace/t/.env", "SECRET=1\n");
    const before = readdirSync(join(arena.workspace, "r/.git/hooks"));
    await handmadeStage(arena, (at) => {
      putFile(at("r/.git/hooks/pre-commit"), "#!/bin/sh\n", 0o755);
      putFile(at("r/.git/config"), "[core]\n\thooksPath = /tmp\n");
      putFile(at(".env"), "x");
      putFile(at("fine"), "x");
      putFile(at(`.sallyport-${HANDMADE_RUN}/x`), "x");
      // A tree goes only when each name in it may.
      putWhiteout(at("t"));
    });
    const done = await commitOf(arena, HANDMADE_RUN);
    expect(done.committed).toEqual(["fine"]);
    expect(done.kept.map(({ path }) => path)).toEqual([
      ".env",
      `.sallyport-${HANDMADE_RUN}`,
      `.sallyport-${HANDMADE_RUN}/x`,
      "r/.git/config",
      "r/.git/hooks/pre-commit",
      "t",
    ]);
    expect(readdirSync(join(arena.workspace, "r/.git/hooks"))).toEqual(before);
    expect(readFileSync(join(arena.workspace, "t/.env"), "utf8")).toBe("SECRET=1\n");
    expect(readdirSync(arena.workspace).sort()).toEqual(["fine", "r", "t"]);
    const records = await recordsOf(arena, done.log);
    const denied = records.filter(({ kind }) => kind === "deny").map(({ rule }) => rule);
    expect(denied.sort()).toEqual([
      "protected.git-config",
      "protected.git-hooks",
      "secrets.files",
      "secrets.files",
    ]);
  });

  test("a file whose owner the run could not have given it is kept back", async (context) => {
    if (!IS_ROOT) context.skip(NEEDS_ROOT);
    using arena = new Arena();
    await handmadeStage(arena, (at) => {
      putFile(at("others"), "x");
      execFileSync("chown", ["1:1", at("others")]);
    });
    const done = await commitOf(arena, HANDMADE_RUN);
    expect(done.kept).toEqual([{ path: "others", reason: "chown failed: EPERM" }]);
    expect(readdirSync(arena.workspace)).toEqual([]);
  });

  test("names that rewrite a terminal are shown escaped, and so is what is in a file", async () => {
    using arena = new Arena();
    const run = await staged(arena, [
      "python3",
      "-c",
      "open('a\\x1b[2Jb', 'w').write('\\x1b]0;title\\x07\\u202e\\n')",
    ]);
    const shown = await execute(
      [process.execPath, "bin/sallyport", "changes", run.run, "--diff", "--state", arena.state],
      { cwd: join(import.meta.dirname, "../..") },
    );
    expect(shown.stdout).toContain("a\\u{1b}[2Jb");
    expect(shown.stdout).toContain("\\u{1b}]0;title\\u{7}\\u{202e}");
    expect(shown.stdout).not.toMatch(/[\u001b\u0007\u202e]/);
  });
});

test("a stage is not taken for that of another directory that came in the place of its workspace", async () => {
  using arena = new Arena();
  const run = await staged(arena, ["sh", "-c", "echo x > x"]);
  renameSync(arena.workspace, `${arena.workspace}-aside`);
  mkdirSync(arena.workspace);
  await expect(commitOf(arena, run.run)).rejects.toThrow("not the directory which the run worked on");
  expect(readdirSync(arena.workspace)).toEqual([]);
});

test("--staged by hand does not pass for a stage", async () => {
  using arena = new Arena();
  const before = fingerprint(arena.workspace);
  const run = await confined(arena, ["touch", "x"], { flags: ["--staged", `${HANDMADE_RUN},2,done`] });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain("no stage of run");
  expect(fingerprint(arena.workspace)).toBe(before);
});

test("times are carried over, and an older time does not hide a change", async () => {
  using arena = new Arena();
  const file = arena.put("workspace/f", "old\n");
  const run = await staged(arena, ["sh", "-c", "echo run > f"]);
  // Somebody changes the file and sets its times back: the change time tells.
  const { atime, mtime } = statSync(file);
  putFile(file, "new\n");
  utimesSync(file, atime, mtime);
  expect((await commitOf(arena, run.run)).kept).toEqual([{ path: "f", reason: "changed meanwhile" }]);
  expect(readFileSync(file, "utf8")).toBe("new\n");
  expect(stagesOf(arena)).toEqual([run.run]);
});
