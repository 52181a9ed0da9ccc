import { join } from "node:path";
import { expect } from "vitest";
import { attack } from "../support/attack.ts";
import { appearance } from "../support/scenes.ts";

for (const name of [".env", ".env.local", "deep/.env.production"]) {
  attack({
    name: `a secret in the workspace (${name}) under every name it can be given`,
    victim: "env_file",
    scene: (arena) => {
      arena.put(`workspace/${name}`, "SECRET=1\n");
      return { args: [name] };
    },
    layer: "broker",
    rule: /env|secret/,
    control: "succeeds",
    afterwards: ({ report, records }) => {
      expect(report?.reads).toBe("brokered");
      expect(records.some(({ kind, op }) => kind === "deny" && op === "rename")).toBe(true);
      expect(records.some(({ kind, op }) => kind === "deny" && op === "link")).toBe(true);
    },
  });
}

attack({
  name: "a secret that comes to be in the workspace during the run",
  victim: "env_late",
  scene: (arena) => {
    const coming = appearance(arena.workspace, "ready").then(() => arena.put("workspace/.env", "SECRET=1\n"));
    return { args: [".env", "ready"], close: async () => void (await coming) };
  },
  layer: "broker",
  rule: /env|secret/,
  control: "succeeds",
});

attack({
  name: "a secret in a directory that is renamed",
  victim: "env_tree",
  scene: (arena) => {
    arena.put("workspace/conf/.env", "SECRET=1\n");
    return { args: ["conf", ".env"] };
  },
  layer: "broker",
  rule: /env|secret/,
  control: "succeeds",
});

attack({
  name: "a secret in a directory that is brought below one of the run's own",
  victim: "env_adopt",
  scene: (arena) => {
    arena.put("workspace/conf/.env", "SECRET=1\n");
    return { args: ["conf", ".env"] };
  },
  layer: "broker",
  rule: /env|secret/,
  control: "succeeds",
});

attack({
  name: "a secret that comes to be in a directory of the run's own",
  victim: "env_late",
  scene: (arena) => {
    const coming = appearance(arena.workspace, "ready").then(() =>
      arena.put("workspace/own/.env", "SECRET=1\n"),
    );
    return { args: ["own/.env", "ready", "own"], close: async () => void (await coming) };
  },
  layer: "broker",
  rule: /env|secret/,
  control: "succeeds",
});

attack({
  name: "a secret below a directory that --read grants",
  victim: "env_tree",
  scene: (arena) => {
    arena.put("home/project/.env", "SECRET=1\n");
    return { args: [join(arena.home, "project"), ".env"], flags: ["--read", join(arena.home, "project")] };
  },
  layer: "broker",
  rule: /env|secret/,
  control: "succeeds",
});

attack({
  name: "a key below a directory that --read grants",
  victim: "env_tree",
  scene: (arena) => {
    arena.put("home/.ssh/id_ed25519", "PRIVATE\n");
    return { args: [join(arena.home, ".ssh"), "id_ed25519"], flags: ["--read", arena.home] };
  },
  layer: "broker",
  control: "succeeds",
});

attack({
  name: "a secret moved to a name that something else was moved away from",
  victim: "moved_secret",
  scene: (arena) => {
    arena.put("workspace/.config/git/credentials", "https://user:SECRET@host\n");
    arena.put("workspace/old/keep", "");
    return { args: [] };
  },
  layer: "broker",
  rule: /secrets/,
  control: "succeeds",
});
