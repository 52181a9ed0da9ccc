import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { type Confined, confined, unprivilegedObstacle } from "../support/confined.ts";

let server: Server;
let port = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
    });
    request.on("end", () =>
      response.end(`${request.method} ${request.url} ${request.headers.host} ${size}\n`),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

const env = { PATH: "/usr/bin:/bin" };

function flows(run: Confined) {
  return run.records.filter(({ op, kind }) => op === "connect" && kind === "intent").map(({ path }) => path);
}

describe.each([
  ["root", process.geteuid!()],
  ["a user without privileges", NOBODY],
])("%s", (_who, owner) => {
  test.beforeEach((context) => {
    const obstacle = owner === process.geteuid!() ? "" : unprivilegedObstacle();
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  });

  const run = (arena: Arena, script: string, flags: readonly string[]) =>
    confined(arena, ["bash", "-c", script], { env, flags });

  test("reaches a granted host by every way, and each flow is on record with its bytes", async () => {
    using arena = new Arena(owner);
    const url = `http://localhost:${port}/x`;
    const script = [
      `curl -sS -m 9 --noproxy '*' ${url}`,
      `curl -sS -m 9 --noproxy '' ${url}`,
      `curl -sS -m 9 --noproxy '' -p ${url}`,
      `curl -sS -m 9 --noproxy '' -x socks5h://$SALLYPORT_SOCKS5 ${url}`,
      `curl -sS -m 9 --noproxy '' -H 'Transfer-Encoding: chunked' --data-binary @big ${url}`,
    ].join("\n");
    arena.put("workspace/big", "x".repeat(300_000));
    const done = await run(arena, script, ["--net-allow", `localhost:${port}`]);
    const said = `localhost:${port}`;
    expect(done.stdout, done.stderr).toBe(`GET /x ${said} 0\n`.repeat(4) + `POST /x ${said} 300000\n`);
    expect(flows(done)).toEqual([`127.0.0.1:${port}`, said, said, said, said]);
    const intents = done.records.filter(({ op, kind }) => op === "connect" && kind === "intent");
    const outcomes = intents.map(({ seq }) => done.records.find((record) => record.intent === seq));
    expect(intents.map(({ extra }) => extra?.["via"])).toEqual([
      "transparent",
      "http",
      "connect",
      "socks5",
      "http",
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ kind: "outcome", extra: { address: "127.0.0.1" } });
      expect(outcome?.errno).toBeUndefined();
      expect(outcome?.extra?.["bytesUp"]).toBeGreaterThan(50);
      expect(outcome?.extra?.["bytesDown"]).toBeGreaterThan(100);
    }
    expect(outcomes[4]?.extra?.["bytesUp"]).toBeGreaterThan(300_000);
    expect(done.stderr).toContain(`net localhost:${port}`);
  });

  test("keeps no capability, sees no interface but lo, and can change none", async () => {
    using arena = new Arena(owner);
    const script = [
      "grep -E '^Cap' /proc/self/status",
      "tail -n +3 /proc/net/dev | cut -d: -f1",
      "python3 -c 'import socket; socket.if_nameindex() and print(socket.if_nameindex())'",
      "ip link add d0 type dummy; ip addr add 10.0.0.1/8 dev lo; ip route del local default dev lo table local; ip link set lo down",
      "unshare -n true; unshare -r true; nsenter --net=/proc/1/ns/net true",
      "cat /proc/net/route | wc -l",
    ].join("\n");
    const done = await run(arena, script, ["--net-allow", "example.org"]);
    expect(done.stdout, done.stderr).toMatch(/^(?:Cap\w+:\t0{16}\n){5}\s*lo\n\[\(1, 'lo'\)\]\n1\n$/);
  });

  test("is refused what no grant names, with the flag that would allow it", async () => {
    using arena = new Arena(owner);
    const script = [
      `curl -sS -m 9 http://localhost:1/`,
      `curl -sS -m 9 --noproxy '' http://localhost:${port}/`,
      "getent hosts other.example",
      "exit 0",
    ].join("\n");
    const done = await run(arena, script, ["--net-allow", "example.org"]);
    expect(done.stdout).toContain(`connect localhost:${port}`);
    expect(done.stdout).toContain(`to allow: sallyport run --net-allow localhost:${port}`);
    expect(done.stderr).toContain("denied: resolve other.example");
    expect(flows(done)).toEqual([]);
  });
});

test("without a grant there is no socket at all", async () => {
  using arena = new Arena();
  const done = await confined(arena, ["curl", "-sS", "-m", "9", `http://localhost:${port}/`], { env });
  expect(done.exitCode).not.toBe(0);
  expect(done.records.some(({ rule }) => rule === "network.socket")).toBe(true);
  expect(done.stderr).toContain("net off");
});
