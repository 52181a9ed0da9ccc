import { join } from "node:path";
import { expect } from "vitest";
import type { Arena } from "../support/arena.ts";
import { attack } from "../support/attack.ts";
import { fileAsInput, neighbour } from "../support/scenes.ts";

const readable = (arena: Arena) => ({
  args: [join(arena.outside, "file")],
  flags: ["--read", arena.outside],
});

attack({
  name: "every path operation on a tree outside",
  victim: "path_operations",
  scene: (arena) => {
    arena.put("workspace/own", "own\n");
    return { args: [arena.outside] };
  },
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
  afterwards: ({ records }) => {
    const ops = new Set(records.filter(({ kind }) => kind === "deny").map(({ op }) => op));
    for (const op of [
      "open",
      "truncate",
      "mkdir",
      "mknod",
      "symlink",
      "link",
      "rename",
      "unlink",
      "chmod",
      "chown",
    ]) {
      expect(ops, `no denial of ${op} on record`).toContain(op);
    }
    for (const op of ["utimens", "setxattr", "removexattr"])
      expect(ops, `no denial of ${op} on record`).toContain(op);
  },
});

attack({
  name: "a file outside under every spelling of its name",
  victim: "path_spellings",
  scene: (arena) => ({ args: [arena.outside] }),
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
});

attack({
  name: "mode, owner, times and attributes of a file through a descriptor for reading",
  victim: "descriptor_metadata",
  scene: readable,
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
});

attack({
  name: "inode flags of a file through a descriptor for reading",
  victim: "file_flags",
  scene: readable,
  layer: "broker",
  rule: /^attributes\./,
  control: "succeeds",
  mayLack: "a temporary directory on a file system with inode flags",
});

attack({
  name: "a setuid or setgid bit left behind in the workspace",
  victim: "setuid_bit",
  layer: "broker",
  control: "succeeds",
});

attack({
  name: "a device node in the workspace",
  victim: "mknod_device",
  layer: "broker",
  rule: /mknod/,
  control: "succeeds",
  mayLack: "CAP_MKNOD",
});

attack({
  name: "a caller whose memory cannot be read",
  victim: "not_dumpable",
  scene: (arena) => ({ args: [join(arena.outside, "file")] }),
  layer: "broker",
  control: "succeeds",
});

attack({
  name: "a descriptor for reading opened again for writing",
  victim: "proc_upgrade",
  scene: readable,
  layer: "broker",
  control: "succeeds",
});

attack({
  name: "an injected descriptor for reading opened again for writing",
  victim: "proc_upgrade",
  scene: (arena) => {
    arena.putRepository("workspace");
    return { args: [join(arena.workspace, ".git/config")] };
  },
  layer: "broker",
  rule: /^protected\./,
  control: "succeeds",
});

attack({
  name: "the run's own input opened again for writing",
  victim: "proc_upgrade",
  scene: (arena) => fileAsInput(join(arena.outside, "file"), ["-"]),
  layer: "broker",
  control: "succeeds",
});

attack({
  name: "the parent's entries in /proc",
  victim: "proc_other",
  args: ["0"],
  layer: "broker",
  control: "succeeds",
});

attack({
  name: "a neighbour's entries in /proc",
  victim: "proc_other",
  scene: () => neighbour((pid) => [pid]),
  layer: "broker",
  control: "succeeds",
});

attack({
  name: "the knobs of the machine in /proc and /sys",
  victim: "proc_system",
  layer: "broker",
  control: "succeeds",
  mayLack: "root",
});
