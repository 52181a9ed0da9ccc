import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { attack } from "../support/attack.ts";

attack({
  name: "a symbolic link in the workspace that leads outside",
  victim: "symlink_plant",
  scene: (arena) => ({ args: [arena.outside] }),
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
  afterwards: (_, arena) => expect(existsSync(join(arena.outside, "dangling"))).toBe(false),
});

attack({
  name: "a hard link in the workspace to a file outside",
  victim: "hardlink_plant",
  scene: (arena) => ({ args: [join(arena.outside, "file")] }),
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
});

attack({
  name: "a hard link in the workspace to a file that may only be read",
  victim: "hardlink_plant",
  scene: (arena) => {
    const file = arena.put("home/readable/file", "readable\n");
    return { args: [join(arena.outside, "file"), file], flags: ["--read", join(arena.home, "readable")] };
  },
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
});
