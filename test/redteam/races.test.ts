import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena, fingerprint } from "../support/arena.ts";
import { attack } from "../support/attack.ts";
import { compileVictim, REFUSED, runVictim } from "../support/hostile.ts";
import { stubbornProfile } from "../support/stubborn_profile.ts";

const ROUNDS = "6000";

/** Two names of one length, so that a torn string is the name of nothing. */
attack({
  name: "a path flipped between a writable and a forbidden file while it is opened for writing",
  victim: "toctou_open",
  scene: (arena) => {
    const allowed = arena.put("workspace/file", "allowed\n");
    const forbidden = join(arena.outside, "file").padStart(allowed.length, "/");
    return { args: ["write", allowed, forbidden, ROUNDS], flags: stubbornProfile(arena) };
  },
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
});

attack({
  name: "a path flipped between a file and a secret of the workspace while it is opened for reading",
  victim: "toctou_open",
  scene: (arena) => {
    const secret = arena.put("workspace/.env", "SECRET=1\n");
    return {
      args: ["read", arena.put("workspace/fine", "fine\n"), secret, ROUNDS],
      flags: stubbornProfile(arena),
    };
  },
  layer: "broker",
  rule: /env|secret/,
  control: "succeeds",
});

attack({
  name: "a directory of the workspace flipped with a link that leads outside, from within",
  victim: "toctou_directory",
  scene: (arena) => {
    arena.put("workspace/directory/file", "inside\n");
    symlinkSync(arena.outside, join(arena.workspace, "link"));
    const args = ["both", "directory", "link", join(arena.outside, "file"), "4000"];
    return { args, flags: stubbornProfile(arena) };
  },
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
});

test("a directory of the workspace flipped with a link that leads outside, by another process: nothing outside is opened", async () => {
  using arena = new Arena();
  arena.put("workspace/directory/file", "inside\n");
  mkdirSync(join(arena.outside, "deep"));
  symlinkSync(arena.outside, join(arena.workspace, "link"));
  const before = fingerprint(arena.outside);
  const flipper = spawn(compileVictim("toctou_directory"), ["flip", "directory", "link", "600000"], {
    cwd: arena.workspace,
    stdio: "ignore",
  });
  const gone = once(flipper, "exit");
  const args = ["open", "directory", join(arena.outside, "file"), "6000"];
  const run = await runVictim(arena, "toctou_directory", args, { flags: stubbornProfile(arena) });
  flipper.kill("SIGKILL");
  await gone;
  expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
  expect(fingerprint(arena.outside)).toBe(before);
});
