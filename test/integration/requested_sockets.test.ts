import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect as connectTo } from "node:net";
import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";
import { eachUser } from "../support/each_user.ts";

const CLIENT: string = new URL("../../dist/client/client.js", import.meta.url).pathname;

const program = (body: string): string => `
import net from "node:net";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from ${JSON.stringify(CLIENT)};
const client = await connect();
const say = (what) => console.log(JSON.stringify(what));
const attempt = async (name, way) => {
  try { say({ name, ok: true, value: (await way()) ?? null }); }
  catch (error) { say({ name, ok: false, code: error.code, errno: error.errno, rule: error.denial?.rule, op: error.denial?.op, next: error.denial?.nextSteps }); }
};
const text = async (socket) => { let all = ""; for await (const part of socket) all += part; return all; };
${body}
client.close();
process.exit(0);
`;

let server: Server;
let port = 0;
beforeAll(async () => {
  server = createServer((request, response) => response.end(`hello ${request.url}`));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

eachUser((owner) => {
  const ask = async (arena: Arena, body: string, flags: readonly string[], profile?: string) => {
    const agent = arena.put("home/agent.mjs", program(body));
    const command = [process.execPath, agent];
    const reads = ["--read", dirname(process.execPath), "--read", agent];
    const run = await confined(arena, command, {
      flags: [...reads, ...flags],
      ...(profile === undefined ? {} : { profile }),
    });
    const lines = run.stdout.trimEnd().split("\n");
    return { run, said: lines.filter((line) => line !== "").map((line) => JSON.parse(line)) };
  };

  test("a connect to a granted host gives its stream, one record for the way there and one for what passed", async () => {
    using arena = new Arena(owner);
    const body = `
const socket = await client.connect("localhost", ${port});
socket.end("GET /x HTTP/1.0\\r\\n\\r\\n");
say({ name: "reply", value: await text(socket) });
await attempt("other port", () => client.connect("localhost", ${port + 1}));
await attempt("other host", () => client.connect("other.example", 443));
await attempt("loopback of the host by address", () => client.connect("169.254.169.254", 80));
await attempt("nonsense", () => client.connect("a b\\u202e", 80));
await attempt("resolve", () => client.resolve("localhost"));
await attempt("resolve other", () => client.resolve("other.example"));
`;
    const { run, said } = await ask(arena, body, ["--net-allow", `localhost:${port}`]);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(said[0].value).toContain("hello /x");
    const denied = { ok: false, code: "DENIED", errno: "EACCES", rule: "network.default-deny" };
    expect(said.slice(1)).toMatchObject([
      { ...denied, op: "connect", next: [`sallyport run --net-allow localhost:${port + 1} …`] },
      { ...denied, op: "connect", next: ["sallyport run --net-allow other.example:443 …"] },
      { ok: false, code: "DENIED", rule: "network.private-address" },
      denied,
      { ok: true, value: expect.arrayContaining(["127.0.0.1"]) },
      { ...denied, op: "resolve", next: ["sallyport run --net-allow other.example …"] },
    ]);
    const intents = run.records.filter(({ op, kind }) => op === "connect" && kind === "intent");
    expect(intents.map(({ path, extra }) => [path, extra?.["via"]])).toEqual([
      [`localhost:${port}`, "channel"],
    ]);
    expect(intents[0]!.pid).toBeGreaterThan(1);
    const outcome = run.records.find(({ intent }) => intent === intents[0]!.seq);
    expect(outcome?.extra).toMatchObject({ address: "127.0.0.1", bytesUp: 19 });
    expect(outcome?.extra?.["bytesDown"]).toBeGreaterThan(10);
    const refusals = run.records.filter(({ kind, op }) => kind === "deny" && op === "connect");
    expect(refusals.length).toBe(4);
  });

  test("without a grant every one is denied, on record, and the next step says what grants it", async () => {
    using arena = new Arena(owner);
    const body = `
await attempt("connect", async () => void (await client.connect("localhost", ${port})));
await attempt("bind", () => client.bind(8080));
await attempt("resolve", () => client.resolve("example.org"));
`;
    for (const profile of [undefined, kernelProfile(arena)]) {
      const { run, said } = await ask(arena, body, [], profile);
      expect(run.exitCode, run.stderr).toBe(0);
      const denied = { ok: false, code: "DENIED", errno: "EACCES", rule: "network.default-deny" };
      expect(said).toMatchObject([
        { ...denied, next: [`sallyport run --net-allow localhost:${port} …`] },
        { ...denied, next: ["sallyport run --listen 8080 …"] },
        { ...denied, next: ["sallyport run --net-allow example.org …"] },
      ]);
      const ops = run.records.filter(({ kind }) => kind === "deny").map(({ op }) => op);
      for (const op of ["connect", "bind", "resolve"]) expect(ops).toContain(op);
      expect(run.stderr).toContain("--listen 8080");
    }
  });

  test("a bound port is reached from the host", async () => {
    using arena = new Arena(owner);
    const free = await freePort();
    const body = `
await attempt("other", () => client.bind(${free} === 65535 ? 1024 : ${free} + 1));
const listening = net.createServer((socket) => socket.end("from inside"));
listening.listen({ fd: await client.bind(${free}) });
const connected = once(listening, "connection");
await once(listening, "listening");
await attempt("taken", () => client.bind(${free}));
say({ name: "listening" });
const [socket] = await connected;
if (!socket.closed) await once(socket, "close");
`;
    const asked = ask(arena, body, ["--listen", String(free)]);
    let heard = "";
    for (let tries = 0; heard === "" && tries < 300; tries++) {
      heard = await textFrom(free);
      if (heard === "") await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { run, said } = await asked;
    expect(heard, run.stderr).toBe("from inside");
    expect(said).toMatchObject([
      { ok: false, rule: "network.default-deny" },
      { ok: false, code: "SYSTEM", errno: "EADDRINUSE" },
      { name: "listening" },
    ]);
    expect(
      run.records.some(({ op, path, kind }) => op === "bind" && path === String(free) && kind === "intent"),
    ).toBe(true);
  });

  test("a signal reaches a process of the run and no other, by whatever number it is asked for", async () => {
    using arena = new Arena(owner);
    const body = `
const child = spawn("sleep", ["60"], { stdio: "ignore" });
await once(child, "spawn");
await attempt("look", () => client.kill(child.pid, 0));
await attempt("kill", () => client.kill(child.pid, "SIGTERM"));
const [, signal] = await once(child, "exit");
say({ name: "ended by", signal });
await attempt("gone", () => client.kill(child.pid, "SIGTERM"));
const { pid } = await client.exec("/usr/bin/sleep", ["sleep", "60"]);
await attempt("launched", () => client.kill(pid, "SIGKILL"));
for (let at = process.ppid; at === process.ppid; at++) await attempt("launcher", () => client.kill(at, "SIGKILL"));
await attempt("init", () => client.kill(1, 0));
await attempt("stranger", () => client.kill(${process.pid}, 0));
`;
    const { run, said } = await ask(arena, body, []);
    expect(run.exitCode, run.stderr).toBe(0);
    const denied = { ok: false, code: "DENIED", errno: "EPERM", rule: "process.others", op: "kill" };
    expect(said).toMatchObject([
      { name: "look", ok: true },
      { name: "kill", ok: true },
      { name: "ended by", signal: "SIGTERM" },
      { name: "gone", ok: false },
      { name: "launched", ok: true },
      { name: "launcher", ...denied },
      { name: "init", ...denied },
      { name: "stranger", ...denied },
    ]);
    const sent = run.records.filter(({ op, kind }) => op === "kill" && kind === "intent");
    expect(sent.map(({ extra }) => extra?.["signal"])).toEqual([0, 15, 9]);
  });
});

function kernelProfile(arena: Arena): string {
  return arena.put(
    "home/kernel.yaml",
    'name: kernel-only\nversion: 1\ndescription: No notifications\nextends: [":workspace"]\nmediation: kernel\n',
  );
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port: free } = probe.address() as AddressInfo;
  probe.close();
  return free;
}

async function textFrom(port: number): Promise<string> {
  const socket = connectTo(port, "127.0.0.1");
  let all = "";
  try {
    for await (const part of socket) all += part;
  } catch {
    // Not there yet.
  }
  return all;
}
