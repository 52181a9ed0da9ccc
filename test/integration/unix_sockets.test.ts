import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { confined, unprivilegedObstacle } from "../support/confined.ts";
import { compileVictim, runPlain, runVictim } from "../support/hostile.ts";
import { unixServer } from "../support/scenes.ts";

/** The one of the system: every user and profile may run it. */
const python = (code: string): string[] => ["/usr/bin/python3", "-c", `import os, socket, struct\n${code}`];

/** Tells who connects: the lines that it has said. */
async function peerServer(path: string) {
  const child = spawn(compileVictim("peer_server"), [path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on("line", (line) => lines.push(line));
  await once(reader, "line");
  return {
    lines,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

test("a program binds, listens and connects to its own sockets, and sees the names that it gave", async () => {
  using arena = new Arena();
  const run = await confined(
    arena,
    python(`
os.mkdir("d")
os.umask(0o027)
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
  for name in ("plain", os.path.abspath("absolute"), os.environ["TMPDIR"] + "/t", "d/../d/below"):
    server = socket.socket(socket.AF_UNIX, kind); server.bind(name); server.listen()
    client = socket.socket(socket.AF_UNIX, kind); client.connect(name)
    end, _ = server.accept(); end.sendall(b"x")
    print(client.recv(1).decode(), oct(os.stat(name).st_mode & 0o777), server.getsockname() == name)
    os.unlink(name)
`),
  );
  const same = "x 0o750 True\n";
  // Of a relative name with a directory in it the last component is kept.
  expect(run.stdout, run.stderr).toBe(`${same.repeat(3)}x 0o750 False\n`.repeat(2));
  expect(run.report?.denials).toBe(0);
  expect(run.records.filter(({ kind, op }) => kind === "intent" && op === "bind-unix")).toHaveLength(8);
  expect(run.records.filter(({ kind, rule }) => kind === "intent" && rule === "sockets.own")).toHaveLength(8);
});

test("a socket is bound only where the run may create", async () => {
  using arena = new Arena();
  const run = await confined(
    arena,
    python(`
for name in (${JSON.stringify(join(arena.outside, "s"))}, ".git/hooks/post-checkout"):
  try: socket.socket(socket.AF_UNIX).bind(name); print("bound")
  except OSError as error: print(error.errno)
`),
  );
  expect(run.stdout, run.stderr).toBe("13\n13\n");
  expect(
    run.records.filter(({ op, kind }) => kind === "deny" && op === "bind-unix").map(({ rule }) => rule),
  ).toEqual(["default-deny", "protected.git-hooks"]);
});

test("--socket grants one socket, by any name of it, and the broker connects", async () => {
  using arena = new Arena();
  const path = join(arena.outside, "s");
  await using server = await peerServer(path);
  const link = join(arena.outside, "link");
  symlinkSync(path, link);
  const run = await confined(
    arena,
    python(`
for name in (${JSON.stringify(path)}, ${JSON.stringify(link)}):
  client = socket.socket(socket.AF_UNIX); client.connect(name); print(client.recv(1).decode(), client.getpeername())
`),
    { flags: ["--socket", link] },
  );
  expect(run.stdout, run.stderr).toBe(`s ${path}\n`.repeat(2));
  expect(server.lines).toEqual([
    "ready",
    ...Array(2).fill(`uid ${process.geteuid!()} gid ${process.getegid!()}`),
  ]);
  const done = run.records.filter(({ kind, rule }) => kind === "intent" && rule === "option.socket");
  expect(done.map((record) => [record.op, record.path])).toEqual(Array(2).fill(["connect-unix", path]));
  expect(String(run.records[0]?.extra?.["sockets"]).split(", ")).toContain(path);
  expect(run.report?.changedFiles).toEqual([]);
});

test("a peer is told the user of the run, and not that of the broker", async (context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  using arena = new Arena();
  const path = join(arena.outside, "s");
  await using server = await peerServer(path);
  const run = await confined(
    arena,
    python(`
client = socket.socket(socket.AF_UNIX); client.connect(${JSON.stringify(path)}); print(client.recv(1).decode())
name = os.environ["TMPDIR"] + "/own"
own = socket.socket(socket.AF_UNIX); own.bind(name); own.listen()
client = socket.socket(socket.AF_UNIX); client.connect(name)
print(os.stat(name).st_uid, *struct.unpack("iii", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1:])
try: open("/etc/passwd", "a")
except OSError as error: print(error.errno)
`),
    { flags: ["--socket", path, "--user", "nobody"] },
  );
  expect(run.stdout, run.stderr).toBe(`s\n${NOBODY} ${NOBODY} ${NOBODY}\n13\n`);
  expect(server.lines).toEqual(["ready", `uid ${NOBODY} gid ${NOBODY}`]);
});

test("a user without privileges has own sockets, and is granted others", async (context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  using arena = new Arena(NOBODY);
  const path = join(arena.outside, "s");
  await using server = await peerServer(path);
  const run = await confined(
    arena,
    python(`
own = socket.socket(socket.AF_UNIX); own.bind("own"); own.listen()
client = socket.socket(socket.AF_UNIX); client.connect("own"); print(os.stat("own").st_uid)
client = socket.socket(socket.AF_UNIX); client.connect(${JSON.stringify(path)}); print(client.recv(1).decode())
`),
    { flags: ["--socket", path] },
  );
  expect(run.stdout, run.stderr).toBe(`${NOBODY}\ns\n`);
  expect(server.lines).toEqual(["ready", `uid ${NOBODY} gid ${NOBODY}`]);
});

test("a connect to a full queue waits as long as the socket says, and other programs go on", async () => {
  using arena = new Arena();
  const path = join(arena.outside, "full");
  const listener = spawn("python3", [
    "-c",
    `import os, socket, time
s = socket.socket(socket.AF_UNIX); s.bind(${JSON.stringify(path)}); s.listen(0)
print("ready", flush=True); input(); s.accept(); time.sleep(60)`,
  ]);
  await once(listener.stdout, "data");
  const run = await confined(
    arena,
    python(`
import time
name = ${JSON.stringify(path)}
def attempt(configure):
  client = socket.socket(socket.AF_UNIX); configure(client); start = time.monotonic()
  try: client.connect(name); result = "connected"
  except OSError as error: result = error.errno
  return result, client.gettimeout(), round(time.monotonic() - start, 1)
print(attempt(lambda s: None)[0])
print(attempt(lambda s: s.setblocking(False)))
result, _, took = attempt(lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 300000)))
print(result, 0.2 <= took <= 2)
if os.fork() == 0:
  time.sleep(0.2); open("room", "w").close(); os._exit(0)
print(attempt(lambda s: None)[0])
`),
    {
      flags: ["--socket", path],
      started: () => {
        const room = setInterval(async () => {
          const { existsSync } = await import("node:fs");
          if (!existsSync(join(arena.workspace, "room"))) return;
          clearInterval(room);
          listener.stdin.write("\n");
        }, 20);
      },
    },
  );
  listener.kill();
  expect(run.stdout, run.stderr).toBe("connected\n(11, 0.0, 0.0)\n11 True\nconnected\n");
});

test("addresses that are wrong in some way are answered as the kernel answers them", async () => {
  using arena = new Arena();
  arena.put("workspace/file", "");
  symlinkSync("nothing", join(arena.workspace, "dangling"));
  symlinkSync("loop", join(arena.workspace, "loop"));
  const stale = ["python3", "-c", "import socket; socket.socket(socket.AF_UNIX).bind('stale')"];
  await new Promise((resolve) =>
    spawn(stale[0]!, stale.slice(1), { cwd: arena.workspace }).on("close", resolve),
  );
  const profile = arena.put(
    "profile.yaml",
    `name: own
version: 1
description: Sockets of the workspace
extends: [":workspace"]
rules:
  - { id: here, effect: allow, rights: [connect], paths: ["\${workspace}/**"], reason: For the comparison }
`,
  );
  const plain = await runPlain(arena, "odd_addresses", []);
  const inside = await runVictim(arena, "odd_addresses", [], { profile });
  expect(plain.stdout.split("\n").length).toBeGreaterThan(50);
  expect(inside.stdout).toBe(plain.stdout);
});

test("what a Unix socket grant can not be is said before anything runs", async () => {
  using arena = new Arena();
  const kernel = arena.put(
    "profile.yaml",
    'name: kernel\nversion: 1\ndescription: x\nextends: [":none"]\nmediation: kernel\n',
  );
  const byKernel = await confined(arena, ["true"], { profile: kernel, flags: ["--socket", "/tmp/x"] });
  expect(byKernel).toMatchObject({ exitCode: 125, stderr: expect.stringContaining('mediation "kernel"') });
  const docker = await confined(arena, ["true"], { flags: ["--socket", "/run/docker.sock"] });
  expect(docker).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("sockets.containers") });
});

test(":read-only and :none make no Unix sockets", async () => {
  for (const profile of [":read-only", ":none"]) {
    using arena = new Arena();
    const path = join(arena.outside, "s");
    const server = await unixServer(path, []);
    const run = await confined(arena, python("socket.socket(socket.AF_UNIX)"), { profile });
    expect(run.stderr).toContain("PermissionError");
    expect(run.records.some(({ rule }) => rule === "network.unix")).toBe(true);
    await server.close?.();
  }
});

test("Node listens and connects by path, and lists the interfaces", async () => {
  using arena = new Arena();
  const code = `
const net = require("node:net");
const server = net.createServer((socket) => socket.end("hello")).listen("s.sock", () => {
  net.connect("s.sock").on("data", (data) => console.log(String(data), Object.keys(require("node:os").networkInterfaces()).includes("lo")))
    .on("close", () => server.close());
});`;
  const run = await confined(arena, [process.execPath, "-e", code], {
    flags: ["--read", join(process.execPath, "../..")],
  });
  expect(run.stdout, run.stderr).toBe("hello true\n");
});
