import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { type Confined, confined } from "../support/confined.ts";

beforeEach((context) => {
  const lacking = ["ssh-agent", "ssh-add", "ssh-keygen"].filter((name) => !existsSync(`/usr/bin/${name}`));
  if (lacking.length > 0)
    context.skip(`skipped: needs openssh-client, this machine has no ${lacking.join(", ")}`);
});

/** A real agent with two keys; the run is granted the first one, to sign with. */
async function agentWithKeys(arena: Arena) {
  const socket = join(arena.outside, "agent");
  const agent = spawn("/usr/bin/ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(agent, "exit");
  await once(agent.stdout, "data");
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  const fingerprints: string[] = [];
  for (const name of ["granted", "other"]) {
    const file = join(arena.outside, name);
    execFileSync("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
    execFileSync("/usr/bin/ssh-add", ["-q", file], { env, stdio: "ignore" });
    copyFileSync(`${file}.pub`, join(arena.workspace, `${name}.pub`));
    const line = execFileSync("/usr/bin/ssh-keygen", ["-lf", `${file}.pub`], { encoding: "utf8" });
    fingerprints.push(line.split(" ")[1]!);
  }
  const listed = (): string => execFileSync("/usr/bin/ssh-add", ["-l"], { env, encoding: "utf8" });
  return {
    granted: fingerprints[0]!,
    other: fingerprints[1]!,
    env,
    listed,
    async [Symbol.asyncDispose]() {
      agent.kill();
      await ended;
    },
  };
}

const denials = (run: Confined) =>
  run.records.filter(({ kind, rule }) => kind === "deny" && rule?.startsWith("sockets."));

test("the granted key signs a file, and each signature is on record with what it is for", async () => {
  using arena = new Arena();
  await using agent = await agentWithKeys(arena);
  arena.put("workspace/message", "hello\n");
  const run = await confined(
    arena,
    ["bash", "-c", "ssh-add -l; ssh-keygen -q -Y sign -f granted.pub -n git message"],
    { env: agent.env, flags: ["--ssh-sign", agent.granted] },
  );
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.stdout).toContain(agent.granted);
  expect(run.stdout).not.toContain(agent.other);
  const signers = arena.put("signers", `me ${readFileSync(join(arena.workspace, "granted.pub"), "utf8")}`);
  const check = [
    "-Y",
    "verify",
    "-f",
    signers,
    "-I",
    "me",
    "-n",
    "git",
    "-s",
    join(arena.workspace, "message.sig"),
  ];
  expect(execFileSync("/usr/bin/ssh-keygen", check, { input: "hello\n", encoding: "utf8" })).toContain(
    "Good",
  );
  const signatures = run.records.filter(({ kind, op }) => kind === "intent" && op === "ssh-sign");
  expect(signatures).toEqual([
    expect.objectContaining({ path: agent.granted, to: "signature git", rule: "option.ssh-sign" }),
  ]);
  const connected = run.records.filter(({ op, rule }) => op === "connect-unix" && rule === "sockets.own");
  expect(connected.map(({ pid }) => pid)).toContain(signatures[0]?.pid);
  expect(denials(run)).toEqual([]);
});

test("another key of the agent is neither shown nor signed with, and nothing else is done with the agent", async () => {
  using arena = new Arena();
  await using agent = await agentWithKeys(arena);
  const before = agent.listed();
  const code = `
import os, socket, struct, base64
def ask(body):
  s = socket.socket(socket.AF_UNIX); s.connect(os.environ["SSH_AUTH_SOCK"])
  s.sendall(struct.pack(">I", len(body)) + body)
  head = s.recv(4)
  return s.recv(struct.unpack(">I", head)[0])[0] if head else "closed"
def text(b): return struct.pack(">I", len(b)) + b
blob = lambda name: base64.b64decode(open(name + ".pub").read().split()[1])
file = b"SSHSIG" + text(b"git") + text(b"") + text(b"sha512") + text(b"h" * 64)
login = text(b"s" * 32) + b"\\x32" + text(b"root") + text(b"ssh-connection") + text(b"publickey") + b"\\x01" + text(b"ssh-ed25519") + text(blob("granted"))
sign = lambda name, data, flags=0: ask(b"\\x0d" + text(blob(name)) + text(data) + struct.pack(">I", flags))
print("granted", sign("granted", file))
print("other", sign("other", file))
print("login", sign("granted", login))
print("bare", sign("granted", b"h" * 32))
print("flags", sign("granted", file, 1 << 31))
for kind in (1, 17, 18, 19, 20, 22, 23, 25, 26, 27): print(kind, ask(bytes([kind]) + b"\\0" * 8))
print("cut", ask(b"\\x0d\\0\\0"))
s = socket.socket(socket.AF_UNIX); s.connect(os.environ["SSH_AUTH_SOCK"]); s.sendall(b"\\xff" * 4); print("long", s.recv(1))
`;
  const run = await confined(arena, ["python3", "-c", code], {
    env: agent.env,
    flags: ["--ssh-sign", agent.granted],
  });
  expect(run.stdout.trim().split("\n"), run.stderr).toEqual([
    "granted 14",
    ...["other", "login", "bare", "flags"].map((what) => `${what} 5`),
    ...[1, 17, 18, 19, 20, 22, 23, 25, 26, 27].map((kind) => `${kind} 5`),
    "cut 5",
    "long b''",
  ]);
  expect(denials(run).map(({ rule, op, path }) => [rule, op === "ssh-sign" ? path : op])).toEqual([
    ["sockets.ssh-sign", agent.other],
    ...Array(3).fill(["sockets.ssh-sign", agent.granted]),
    ...Array(12).fill(["sockets.ssh-agent", "refused"]),
  ]);
  expect(agent.listed()).toBe(before);
  expect(run.records[0]?.extra?.["sshKeys"]).toBe(`${agent.granted} for signatures`);
});

test("the person's own agent is out of reach behind the one of the run", async () => {
  using arena = new Arena();
  await using agent = await agentWithKeys(arena);
  const run = await confined(
    arena,
    [
      "bash",
      "-c",
      `SSH_AUTH_SOCK=${agent.env.SSH_AUTH_SOCK} ssh-add -l; ls "$(dirname "$SSH_AUTH_SOCK")"; rm -f "$SSH_AUTH_SOCK"; true`,
    ],
    { env: agent.env, flags: ["--ssh-sign", agent.granted] },
  );
  expect(run.stdout, run.stderr).toBe("");
  expect(run.stderr).toContain("Error connecting to agent");
  expect(run.records.filter(({ kind }) => kind === "deny").map(({ op }) => op)).toEqual(
    expect.arrayContaining(["connect-unix", "open", "unlink"]),
  );
});

test("a key that is granted for logins signs them", async () => {
  using arena = new Arena();
  await using agent = await agentWithKeys(arena);
  const code = `
import os, socket, struct, base64
def text(b): return struct.pack(">I", len(b)) + b
blob = base64.b64decode(open("granted.pub").read().split()[1])
login = text(b"s" * 32) + b"\\x32" + text(b"git") + text(b"ssh-connection") + text(b"publickey") + b"\\x01" + text(b"ssh-ed25519") + text(blob)
body = b"\\x0d" + text(blob) + text(login) + struct.pack(">I", 0)
s = socket.socket(socket.AF_UNIX); s.connect(os.environ["SSH_AUTH_SOCK"]); s.sendall(struct.pack(">I", len(body)) + body)
print(s.recv(5)[4])
`;
  const run = await confined(arena, ["python3", "-c", code], {
    env: agent.env,
    flags: ["--ssh-login", agent.granted],
  });
  expect(run.stdout, run.stderr).toBe("14\n");
  expect(run.records).toContainEqual(
    expect.objectContaining({ kind: "intent", op: "ssh-sign", to: "login git", rule: "option.ssh-login" }),
  );
});

test("a grant that can not be kept is refused before anything runs", async () => {
  using arena = new Arena();
  const word = await confined(arena, ["true"], { flags: ["--ssh-sign", "MD5:aa"] });
  expect(word).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("ssh-add -l") });
  const key = `SHA256:${"A".repeat(43)}`;
  const none = await confined(arena, ["true"], {
    env: { ...process.env, SSH_AUTH_SOCK: "" },
    flags: ["--ssh-sign", key],
  });
  expect(none).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("names no agent") });
});
