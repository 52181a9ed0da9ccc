import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { type Confined, confined } from "../support/confined.ts";
import { eachUser } from "../support/each_user.ts";

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

eachUser((owner) => {
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
    expect(done.stdout, done.stderr).toBe(`${`GET /x ${said} 0\n`.repeat(4)}POST /x ${said} 300000\n`);
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

  test("leaves a host alone that fails again and again, and says for how long", async () => {
    using arena = new Arena(owner);
    // Nobody listens there.
    const dead = "localhost:9";
    const ask = `curl -sS -m 9 --noproxy '' http://${dead}/`;
    const script = `for i in $(seq 20); do ${ask} -o /dev/null & done; wait; ${ask} -i`;
    const done = await run(arena, script, ["--net-allow", dead, "--json"]);
    expect(done.stdout).toMatch(/^HTTP\/1\.1 403 Denied by sallyport \(breaker\.backend\)/);
    expect(done.stdout).toMatch(/^Retry-After: [12]\r$/m);
    type Said = { denied: readonly Record<string, unknown>[] };
    const denial = (JSON.parse(done.stderr.trim().split("\n").at(-1)!) as Said).denied[0];
    expect(denial).toMatchObject({ layer: "breaker", rule: "breaker.backend", retryable: true });
    expect(denial?.["retry_after_ms"]).toBeGreaterThan(0);
    expect(denial?.["retry_after_ms"]).toBeLessThanOrEqual(2000);
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

test("a server inside is reached at its port of the host, on record, and from nowhere but loopback", async () => {
  using arena = new Arena(process.geteuid!() === 0 ? NOBODY : process.geteuid!());
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  const own = (taken.address() as AddressInfo).port;
  taken.close();
  await once(taken, "close");
  // Ends after one request; the client asks until somebody answers.
  const inside = `import http.server
server = http.server.HTTPServer(("127.0.0.1", ${own}), http.server.SimpleHTTPRequestHandler)
server.handle_request()`;
  arena.put("workspace/page", "from inside\n");
  const running = confined(arena, ["python3", "-c", inside], { env, flags: ["--listen", String(own)] });
  let text = "";
  for (const until = Date.now() + 40_000; text === "" && Date.now() < until; ) {
    text = await fetch(`http://127.0.0.1:${own}/page`)
      .then((response) => response.text())
      .catch(() => new Promise<string>((resolve) => setTimeout(resolve, 100, "")));
  }
  const run = await running;
  expect(text, run.stderr).toBe("from inside\n");
  expect(run.exitCode).toBe(0);
  const accepted = run.records.filter(({ op, kind }) => op === "accept" && kind === "intent").at(-1);
  expect(accepted).toMatchObject({ path: `127.0.0.1:${own}`, rule: "network.listen" });
  const outcome = run.records.find((record) => record.intent === accepted?.seq);
  expect(outcome?.extra?.["bytesUp"]).toBeGreaterThan(100);
});

test("a port that is taken refuses the run and says which", async () => {
  using arena = new Arena();
  const run = await confined(arena, ["true"], { env, flags: ["--listen", String(port)] });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain(`Cannot listen on 127.0.0.1:${port}: EADDRINUSE`);
});

test.each([
  [["--net-allow", "https://example.org"], "is no host"],
  [["--net-allow", "example.org:53"], "port 53 belongs to the name server"],
  [["--listen", "80", "--net-allow", "example.org"], "port 80 is in --listen and in --net-allow"],
])("%j is refused with what is wrong", async (flags, problem) => {
  using arena = new Arena();
  const run = await confined(arena, ["true"], { env, flags });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain(problem);
});
