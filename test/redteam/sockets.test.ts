import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { attack } from "../support/attack.ts";
import { confined } from "../support/confined.ts";
import { compileVictim } from "../support/hostile.ts";
import { datagramServer, unixServer } from "../support/scenes.ts";
import { stubbornProfile } from "../support/stubborn_profile.ts";

const refused = { layer: "broker", control: "succeeds" } as const;
const ROUNDS = "3000";

attack({
  ...refused,
  name: "the address of a connect flipped between an own socket and one outside",
  victim: "toctou_connect",
  scene: async (arena) => {
    const own = join(arena.workspace, "socket");
    const outside = join(arena.outside, "s").padStart(own.length, "/");
    const scene = await unixServer(outside, ["address", own, outside, ROUNDS]);
    return { ...scene, flags: stubbornProfile(arena) };
  },
  rule: /^default-deny$/,
});

attack({
  ...refused,
  name: "a link flipped between an own socket and one outside while it is connected to",
  victim: "toctou_connect",
  scene: async (arena) => {
    const own = join(arena.workspace, "socket");
    const outside = join(arena.outside, "s").padStart(own.length, "/");
    return unixServer(outside, ["link", own, outside, "600"]);
  },
  rule: /^default-deny$/,
});

attack({
  ...refused,
  name: "a socket of somebody else in the workspace",
  victim: "connect_stream",
  scene: (arena) => {
    const path = join(arena.workspace, "theirs");
    return unixServer(path, [path]);
  },
  rule: /^default-deny$/,
});

attack({
  name: "an address in a send on sockets that are connected otherwise",
  victim: "address_in_send",
  scene: (arena) => {
    const path = join(arena.root, "listener");
    return datagramServer(path, [path]);
  },
  layer: "landlock",
  control: "harmless",
});

/** An agent of the user where OpenSSH puts it, outside of every arena. */
function agentPlace(): Place {
  const directory = mkdtempSync("/tmp/ssh-");
  return { path: join(directory, "agent.1"), remove: () => rmSync(directory, { recursive: true }) };
}

/** What somebody may come to write who wants "the sockets here" to work: a grant on everything. */
const GRANT_ALL = `name: grants-all
version: 1
description: Every socket
extends: [":workspace"]
rules:
  - id: all.sockets
    effect: allow
    rights: [connect]
    paths: ["/**"]
    reason: A grant that is too broad
`;

type Place = { readonly path: string; remove(): void };

/** Where Docker of a single user listens, if that name is free. */
function dockerPlace(): Place {
  const runtime = `/run/user/${process.pid + 1_000_000}`;
  mkdirSync(runtime, { recursive: true });
  return { path: join(runtime, "docker.sock"), remove: () => rmSync(runtime, { recursive: true }) };
}

const ALIASES = [
  ["its own name", (path: string) => path],
  [
    "a hard link",
    (path: string, arena: Arena) => {
      const other = join(arena.outside, "other");
      linkSync(path, other);
      return other;
    },
  ],
  [
    "a symbolic link",
    (path: string, arena: Arena) => {
      const other = join(arena.workspace, "other");
      symlinkSync(path, other);
      return other;
    },
  ],
  ["the root of a process", (path: string) => `/proc/self/root${path}`],
] as const;

for (const [alias, make] of ALIASES) {
  attack({
    ...refused,
    name: `an agent under ${alias}, with every socket granted`,
    victim: "connect_stream",
    scene: (arena) => deniedSocket(arena, agentPlace(), (path) => make(path, arena)),
    rule: /^(?:sockets\.keys|protected\.magic-link)$/,
  });
}

/** A hard link stays on the file system of the socket. */
const DOCKER_ALIASES = [
  ["its own name", (path: string) => path],
  ["another inode name in a granted place", (path: string) => linked(path)],
  ["a symbolic link", (path: string, arena: Arena) => ALIASES[2][1](path, arena)],
] as const;

function linked(path: string): string {
  const other = path.replace(/docker\.sock$/, "harmless");
  linkSync(path, other);
  return other;
}

const isRoot = process.geteuid!() === 0;
if (!isRoot)
  test("docker.sock under other names", (context) =>
    context.skip(`skipped: needs root to write /run/user, this machine has uid ${process.geteuid!()}`));
for (const [alias, make] of isRoot ? DOCKER_ALIASES : []) {
  attack({
    ...refused,
    name: `docker.sock under ${alias}, with every socket granted`,
    victim: "connect_stream",
    scene: (arena) => deniedSocket(arena, dockerPlace(), (path) => make(path, arena)),
    rule: /^sockets\.containers$/,
  });
}

/** A socket at a denied place, another name of it, and a grant on every socket. */
async function deniedSocket(arena: Arena, place: Place, make: (path: string) => string) {
  const server = await unixServer(place.path, []);
  const profile = arena.put("profile.yaml", GRANT_ALL);
  return {
    ...server,
    args: [make(place.path)],
    flags: ["-p", profile],
    async close() {
      await server.close?.();
      place.remove();
    },
  };
}

test("an agent under a bind mount, with every socket granted: is refused by the broker and recorded", async (context) => {
  using arena = new Arena();
  const mounted = join(arena.outside, "mounted");
  writeFileSync(mounted, "");
  const place = agentPlace();
  const server = await unixServer(place.path, []);
  try {
    try {
      execFileSync("mount", ["--bind", place.path, mounted], { stdio: "ignore" });
    } catch {
      context.skip(`skipped: needs CAP_SYS_ADMIN, this machine has uid ${process.geteuid!()} without it`);
    }
    try {
      const profile = arena.put("profile.yaml", GRANT_ALL);
      const run = await confined(arena, [compileVictim("connect_stream"), mounted], {
        profile,
        flags: ["--read", compileVictim("connect_stream")],
      });
      expect(run.records.find(({ op }) => op === "connect-unix")).toMatchObject({
        kind: "deny",
        rule: "sockets.keys",
        path: mounted,
      });
      server.untouched?.();
    } finally {
      execFileSync("umount", [mounted]);
    }
  } finally {
    await server.close?.();
    place.remove();
  }
});

test("the name of an own socket that leads to another one by now is refused", async () => {
  using arena = new Arena();
  mkdirSync(join(arena.workspace, "theirs"));
  const theirs = join(arena.workspace, "theirs", "socket");
  const server = await unixServer(theirs, []);
  const code = `
import os, socket
own = socket.socket(socket.AF_UNIX); own.bind("own"); own.listen(1)
os.rename("theirs/socket", "own")
try: socket.socket(socket.AF_UNIX).connect("own"); print("reached")
except OSError as error: print(error.errno)
`;
  const run = await confined(arena, ["python3", "-c", code]);
  expect(run.stdout, run.stderr).toBe("13\n");
  server.untouched?.();
  await server.close?.();
});
