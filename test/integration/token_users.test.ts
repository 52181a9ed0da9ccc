/** Tokens and sub-agents through real runs and the command line, as whoever starts the tests and as a user without privileges. */

import { once } from "node:events";
import { copyFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import { CLIENT } from "../support/token_run.ts";

const PYTHON = "/usr/bin/python3";
const env = { PATH: "/usr/bin:/bin" };
const servers: Server[] = [];
const ports: number[] = [];

beforeAll(async () => {
  for (let at = 0; at < 2; at++) {
    const server = createServer((socket) => socket.end("hello\n"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    ports.push((server.address() as AddressInfo).port);
  }
});
afterAll(() => {
  for (const server of servers) server.close();
});

describe.each([
  ["whoever runs the tests", process.geteuid!()],
  ["a user without privileges", NOBODY],
])("%s", (_who, owner) => {
  test.beforeEach((context) => {
    const obstacle = owner === process.geteuid!() ? "" : unprivilegedObstacle();
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  });

  function arenaWith(): Arena {
    const arena = new Arena(owner);
    arena.put("workspace/a.md", "open\n");
    arena.put("workspace/b.txt", "closed\n");
    arena.put("workspace/mine/a.md", "of the child\n");
    copyFileSync(new URL("../support/agent.py", import.meta.url), join(arena.workspace, "mine/agent.py"));
    return arena;
  }

  async function token(arena: Arena, ...args: readonly string[]): Promise<string> {
    const made = await sallyport(arena, ["token", ...args, "--state", arena.state], { env });
    expect(made.exitCode, made.stderr).toBe(0);
    return made.stdout.trim();
  }

  test("mints a token, runs with it, and has what it grants", async () => {
    using arena = arenaWith();
    const file = join(arena.home, "a.token");
    const id = ["--id", "c-1", "--subject", "agent", "--out", file];
    await token(arena, "mint", "--read", "*.md", "--write", "out/**", "--create", "out", ...id);
    const script =
      "cat a.md; cat b.txt; mkdir out; echo x > out/f; echo x > a.md; cat out/f 2>&1 | head -c 3; ls -d out";
    const run = await confined(arena, ["bash", "-c", script], { env, flags: ["--token", file] });
    expect(run.stdout, run.stderr).toMatch(/^open\n/);
    expect(run.stdout).not.toContain("closed");
    const rules = new Set(
      run.report!.denied.map(({ rule, path }) => `${rule} ${path.replace(arena.workspace, "")}`),
    );
    expect(rules).toContain("capability.not-granted /b.txt");
    expect(rules).toContain("capability.not-granted /a.md");
    expect(run.report!.changedFiles.map((path) => path.replace(`${arena.workspace}/`, ""))).toContain(
      "out/f",
    );
  });

  test("revokes a token, and the run that has it sees that", async () => {
    using arena = arenaWith();
    const file = join(arena.home, "a.token");
    await token(arena, "mint", "--read", "*.md", "--id", "c-1", "--subject", "agent", "--out", file);
    arena.put("workspace/loop.py", "");
    const loop = `
import time, errno
print("up", flush=True)
while True:
    try: open("a.md").close()
    except OSError as error:
        print("ended", errno.errorcode[error.errno], flush=True)
        break
    time.sleep(0.01)`;
    const running = confined(arena, [PYTHON, "-c", loop], { env, flags: ["--token", file] });
    // The run may not be there yet: then it starts with a token that is revoked, and says so.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    await token(arena, "revoke", "--id", "c-1");
    const run = await running;
    expect(run.stdout, run.stderr).toBe("up\nended EACCES\n");
    expect(run.report!.denied.map(({ rule }) => rule)).toContain("capability.revoked");
  });

  test("gives a sub-agent one host of two, and what the parent has not it can not give", async () => {
    using arena = arenaWith();
    const [first, second] = ports as [number, number];
    const mine = ["--read", "mine/**", "--list", "mine/**", "--subject", "agent"];
    const toFirst = await token(arena, "mint", ...mine, "--connect", `localhost:${first}`, "--id", "sub");
    const load =
      'import sys; sys.path.insert(0, "mine"); sys.dont_write_bytecode = True\nfrom agent import *\nimport os, socket, time\n';
    const reach = `${load}
def reach(port):
    with socket.create_connection(("localhost", port), 5) as one: assert one.recv(6) == b"hello\\n"
`;
    arena.put(
      "workspace/mine/child.py",
      `${reach}say("child", attempt(lambda: reach(${first})), attempt(lambda: reach(${second})), attempt(lambda: open("a.md")))\nsay("end")\n`,
    );
    arena.put(
      "workspace/mine/parent.py",
      `${reach}broker = Broker()
handle = broker.present(${JSON.stringify(toFirst)})
say("handle", handle)
say("parent", attempt(lambda: reach(${first})), attempt(lambda: reach(${second})))
if isinstance(handle, int):
    broker.launch(handle, [${JSON.stringify(PYTHON)}, "mine/child.py"], fds=[0, 1, 2])
    time.sleep(4)
`,
    );
    const allowed = ports.flatMap((port) => ["--net-allow", `localhost:${port}`]);
    const run = await confined(arena, [PYTHON, "mine/parent.py"], { env, flags: allowed });
    expect(run.stdout, run.stderr).toContain("parent ok ok\n");
    expect(run.stdout, run.stderr).toMatch(/^child ok E[A-Z]+ EACCES$/m);

    // A parent whose own token names the second host alone.
    const own = join(arena.home, "own.token");
    await token(arena, "mint", ...mine, "--connect", `localhost:${second}`, "--id", "own", "--out", own);
    const narrow = await confined(arena, [PYTHON, "mine/parent.py"], {
      env,
      flags: [...allowed, "--token", own],
    });
    expect(narrow.stdout, narrow.stderr).toContain("handle token.wider\n");
    expect(narrow.stdout, narrow.stderr).toMatch(/^parent E[A-Z]+ ok$/m);
    expect(narrow.stdout).not.toContain("child");
  });

  test("presents a token with the holder's key by the client library, and not without", async () => {
    using arena = arenaWith();
    const key = join(arena.workspace, "agent.key");
    const other = join(arena.workspace, "other.key");
    const file = join(arena.workspace, "agent.token");
    await token(arena, "keys", "--new", key);
    await token(arena, "keys", "--new", other);
    const read = ["--read", "mine/**", "--subject", "agent", "--id", "held", "--holder", key];
    await token(arena, "mint", ...read, "--depth", "1", "--out", file);
    arena.put(
      "workspace/agent.mjs",
      `import { readFileSync } from "node:fs";
import { attenuate, connect } from ${JSON.stringify(CLIENT)};
const json = (name) => JSON.parse(readFileSync(name, "utf8"));
const token = readFileSync("agent.token", "utf8").trim();
const key = json("agent.key");
const client = await connect();
const refused = async (what, token, key) => {
  try { console.log(what, "taken", await client.present(token, key)); }
  catch (error) { console.log(what, error.denial?.rule ?? error.code); }
};
await refused("bare", token, null);
await refused("other", token, json("other.key"));
const cat = async (what, handle, path) => {
  const program = await client.spawn("/bin/cat", ["cat", path], { handle, cwd: process.cwd() });
  let said = "";
  for await (const part of program.stdout) said += part;
  console.log(what, JSON.stringify(said));
};
const handle = await client.present(token, key);
await cat("mine", handle, "mine/a.md");
await cat("not mine", handle, "b.txt");
const narrower = attenuate(token, { capability_id: "held-2", actions: [{ action: "read", path: process.cwd() + "/mine/b.md" }] }, key);
await cat("narrower", await client.present(narrower, key), "mine/a.md");
await client.close();
`,
    );
    const run = await confined(arena, [process.execPath, "agent.mjs"], { env });
    expect(run.stdout, run.stderr).toBe(
      [
        "bare token.proof-missing",
        "other token.bad-signature",
        'mine "of the child\\n"',
        'not mine ""',
        'narrower ""',
        "",
      ].join("\n"),
    );
  });
});
