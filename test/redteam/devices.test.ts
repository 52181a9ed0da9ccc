import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { attack, type Scene } from "../support/attack.ts";
import { appearance } from "../support/scenes.ts";

const refused = { victim: "open_paths", layer: "broker", control: "succeeds" } as const;

/** A terminal that another process of the user holds. */
async function otherTerminal(): Promise<Scene> {
  const script = "import os, sys; m, s = os.openpty(); print(os.ttyname(s), flush=True); sys.stdin.read()";
  const child = spawn("/usr/bin/python3", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [name] = (await once(createInterface(child.stdout), "line")) as [string];
  return {
    args: [name],
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

attack({ ...refused, name: "another terminal of the user", scene: otherTerminal });

for (const prefix of ["psm_", "sem.", "pym-", ""]) {
  attack({
    ...refused,
    name: `shared memory of a neighbour (/dev/shm/${prefix}*)`,
    scene: () => {
      const path = `/dev/shm/${prefix}sallyport-test-${process.pid}`;
      writeFileSync(path, "neighbour\n", { mode: 0o600 });
      return { args: [path], close: () => rmSync(path) };
    },
  });
}

attack({
  name: "shared memory of a neighbour, under a name that was the run's own",
  victim: "shm_replaced",
  scene: (arena) => {
    const path = `/dev/shm/psm_sallyport-replaced-${process.pid}`;
    const replaced = appearance(arena.workspace, "ready").then(() => {
      rmSync(path);
      writeFileSync(path, "neighbour\n", { mode: 0o600 });
      arena.put("workspace/replaced", "");
    });
    return {
      args: [path],
      async close() {
        await replaced;
        rmSync(path, { force: true });
      },
    };
  },
  layer: "broker",
  rule: /^process\.shared-memory$/,
  control: "succeeds",
});

const devices = [
  "/dev/mem",
  "/dev/kmsg",
  "/dev/vda",
  "/dev/sda",
  "/dev/nvme0n1",
  "/dev/kvm",
  "/dev/fuse",
  "/dev/net/tun",
];
for (const path of [...devices, "/dev/vsock", "/dev/loop-control", "/dev/userfaultfd", "/dev/input/event0"]) {
  if (!existsSync(path)) continue;
  attack({ ...refused, name: `the device ${path}`, args: [path], mayLack: "this object open to root" });
}

for (const path of [
  "/etc/shadow",
  "/etc/sudoers",
  "/etc/ssh/ssh_host_ed25519_key",
  "/proc/kcore",
  "/proc/sysrq-trigger",
]) {
  if (!existsSync(path)) continue;
  attack({ ...refused, name: `the file ${path}`, args: [path], mayLack: "this object open to root" });
}

for (const name of [".ssh", ".aws", ".bash_history", ".npmrc", ".netrc", ".bashrc", ".profile"]) {
  const path = join(homedir(), name);
  if (!existsSync(path)) continue;
  attack({ ...refused, name: `the home's ${name}`, args: [path] });
}
