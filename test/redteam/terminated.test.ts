import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { type Confined, confined, unprivilegedObstacle } from "../support/confined.ts";
import { CredentialServer } from "../support/credential_server.ts";
import { Internet, internetObstacle } from "../support/internet.ts";

const SECRET = "Bearer s3cr3t-of-the-person-0123456789";
const env = { PATH: "/usr/bin:/bin" };
let server: CredentialServer;
let other: CredentialServer;

beforeAll(async () => {
  server = await CredentialServer.make("localhost");
  other = await CredentialServer.make("other.example");
});
afterAll(() => {
  server?.[Symbol.dispose]();
  other?.[Symbol.dispose]();
});

/** A run that may speak with the server, its TLS terminated. */
async function run(arena: Arena, script: string, to = server, trusted = to): Promise<Confined> {
  const file = arena.put("outside/token", `${SECRET}\n`, 0o600);
  const authority = arena.put("home/ca.pem", readFileSync(trusted.authority));
  for (const one of [server, other]) one.requests.length = 0;
  const grant = `terminated:localhost:${to.port}=Authorization:${file}`;
  const flags = ["--credential", grant, "--credential-ca", authority];
  return await confined(arena, ["bash", "-c", script], { env, flags });
}

const flows = ({ records }: Confined) =>
  records.filter(({ kind, op }) => kind === "intent" && op === "connect");
const refusals = ({ records }: Confined) =>
  records.filter(({ kind, op }) => kind === "deny" && op === "connect").map(({ rule }) => rule);

describe.each([
  ["root", process.geteuid!()],
  ["a user without privileges", NOBODY],
])("%s", (_who, owner) => {
  test("programs use the host by its own name, and the secret is added where none of them sees it", async (context) => {
    const obstacle = owner === process.geteuid!() ? "" : unprivilegedObstacle();
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
    using arena = new Arena(owner);
    const url = `https://localhost:${server.port}`;
    const node = `fetch("${url}/node").then((r) => r.text()).then((t) => process.stdout.write(t))`;
    const done = await run(
      arena,
      [
        `curl -sS -m 9 "${url}/one?x=1"`,
        `curl -sS -m 9 -d body -H "Authorization: mine" -H "AUTHORIZATION: also mine" ${url}/two`,
        `curl -sS -m 9 --noproxy "" -x "$https_proxy" ${url}/proxy`,
        `curl -sS -m 9 --noproxy "" -x "socks5h://$SALLYPORT_SOCKS5" ${url}/socks`,
        `curl -sS -m 9 --noproxy "" -H "Connection: authorization" ${url}/named`,
        `python3 -c 'import urllib.request; print(urllib.request.urlopen("${url}/python").read().decode().strip())'`,
        `node -e '${node}'`,
        `curl -sS -m 20 ${url}/big | wc -c`,
        `head -c 3000000 /dev/zero | curl -sS -m 20 -T - ${url}/up`,
        "exit 0",
      ].join("\n"),
    );
    const names = ["one?x=1", "two", "proxy", "socks", "named", "python", "node"];
    expect(done.stdout, done.stderr).toBe(
      `${names.map((name) => `hello /${name}\n`).join("")}3000000\nhello /up\n`,
    );
    expect(server.requests.map(({ url }) => url)).toEqual([...names, "big", "up"].map((name) => `/${name}`));
    for (const { headers } of server.requests) {
      expect(headers["authorization"]).toBe(SECRET);
      expect(headers["host"]).toBe(`localhost:${server.port}`);
      expect(headers["raw"]).not.toContain("mine");
    }
    expect(server.requests[1]?.body).toBe("body");
    expect(server.requests.at(-1)?.body).toHaveLength(3_000_000);
    expect(flows(done)).toHaveLength(9);
    for (const { path, extra } of flows(done)) {
      expect(path).toBe(`localhost:${server.port}`);
      expect(extra).toMatchObject({ tls: "terminated" });
    }
    expect(done.stderr).toContain(`authorization for localhost:${server.port} (TLS terminated)`);
    for (const text of [done.stdout, done.stderr, JSON.stringify(done.records)])
      expect(text).not.toContain("s3cr3t");
  });
});

/** Looks for the parts of the secret and of a private key in everything that the run can read, its own memory included. */
const SEARCH = `
import os, re
wanted = [bytes(reversed(b"9876543210-nosrep")), b"PRIVATE " + b"KEY"]
found, seen = [], [0, 0]
def look(name, data):
  for one in wanted:
    if one in data: found.append((name, one))
for root in [os.environ["TMPDIR"], ".", "..", "/tmp", "/run", "/dev/shm", "/var/tmp"]:
  for place, directories, files in os.walk(root):
    for name in files:
      try:
        with open(os.path.join(place, name), "rb") as f: look(os.path.join(place, name), f.read(1 << 22)); seen[0] += 1
      except OSError: pass
for pid in filter(str.isdigit, os.listdir("/proc")):
  for name in ["environ", "cmdline", "auxv", "fdinfo", "maps"]:
    try:
      with open(f"/proc/{pid}/{name}", "rb") as f: look(f"/proc/{pid}/{name}", f.read()); seen[1] += 1
    except OSError: pass
  if int(pid) == os.getpid(): continue
  try:
    with open(f"/proc/{pid}/mem", "rb") as memory:
      for line in open(f"/proc/{pid}/maps"):
        begin, end, mode = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\\S+)", line).groups()
        if mode[0] != "r" or int(end, 16) - int(begin, 16) > 1 << 26: continue
        try: memory.seek(int(begin, 16)); look(f"/proc/{pid}/mem", memory.read(int(end, 16) - int(begin, 16)))
        except (OSError, OverflowError, ValueError): pass
  except OSError: pass
print("looked at", seen[0] > 2 and seen[1] > 2 or seen, "found", found)
`;

test("neither the secret nor the key of the authority is anywhere in the run", async () => {
  using arena = new Arena();
  arena.put("workspace/search.py", SEARCH);
  const url = `https://localhost:${server.port}/`;
  const done = await run(
    arena,
    `curl -sS ${url}; (sleep 20 & exec bash -c 'curl -sS ${url} >/dev/null; sleep 20') & sleep 1; python3 search.py; kill %1; env; ls -la "$TMPDIR"; cat "$TMPDIR"/*.pem | grep -c BEGIN; exit 0`,
  );
  expect(done.stdout, done.stderr).toContain("looked at True found []");
  expect(done.stdout).toMatch(/SSL_CERT_FILE=\/tmp\/sallyport-\w+\/sallyport-ca-bundle\.pem/);
  expect(done.stdout).toMatch(/NODE_EXTRA_CA_CERTS=\/tmp\/sallyport-\w+\/sallyport-ca\.pem/);
  // The control: the same search finds a secret that is there.
  arena.put("workspace/there", `${SECRET}\n-----BEGIN PRIVATE KEY-----\n`);
  const control = await run(arena, "python3 search.py");
  expect(control.stdout).toContain("found [('./there', b'person-0123456789')");
});

/** Sends bytes over TLS, under any name, and prints what comes back first. */
const SPEAK = `
import os, ssl, socket, sys
port, name, alpn, text = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.create_default_context()
context.check_hostname = False
if alpn: context.set_alpn_protocols(alpn.split(","))
plain = socket.create_connection(("localhost", port))
try:
  s = plain if name == "plain" else context.wrap_socket(plain, server_hostname=None if name == "none" else name)
  if s is not plain: print("protocol", s.selected_alpn_protocol())
  s.sendall(text.encode("latin1").decode("unicode_escape").encode("latin1"))
  print("said", s.recv(65536).split(b"\\r\\n")[0].decode())
except OSError as e: print("failed", type(e).__name__)
`;

async function speak(name: string, text: string, alpn = "", to = server, trusted = to) {
  using arena = new Arena();
  arena.put("workspace/speak.py", SPEAK);
  const full = text.replaceAll("HOST", `localhost:${to.port}`);
  return await run(arena, `python3 speak.py ${to.port} "${name}" "${alpn}" "${full}"`, to, trusted);
}

const GOOD = "GET /good HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n";

test("the way of speaking that the others vary is answered", async () => {
  const done = await speak("localhost", GOOD, "h2,http/1.1");
  expect(done.stdout, done.stderr).toBe("protocol http/1.1\nsaid HTTP/1.1 200 OK\n");
  expect(server.requests).toHaveLength(1);
});

test.each([
  ["another name in the handshake", "other.example", "network.sni"],
  ["no name in the handshake", "none", "network.sni"],
  ["no TLS at all", "plain", "network.terminated"],
])("%s is refused", async (_what, name, rule) => {
  const done = await speak(name, GOOD);
  expect(done.stdout, done.stderr).toMatch(/^failed|^said $/m);
  expect(server.requests).toEqual([]);
  expect(refusals(done)).toEqual([rule]);
});

test("a connection that says nothing is no refusal", async () => {
  using arena = new Arena();
  const code = `import socket; socket.create_connection(("localhost", ${server.port})).close()`;
  const done = await run(arena, `python3 -c '${code}'; sleep 1`);
  expect(flows(done)).toHaveLength(1);
  expect(refusals(done)).toEqual([]);
});

test("HTTP/2 is not spoken", async () => {
  const done = await speak("localhost", GOOD, "h2");
  expect(done.stdout).toMatch(/^failed SSL/);
  expect(server.requests).toEqual([]);
});

test.each([
  ["Host of another", "GET / HTTP/1.1\\r\\nHost: other.example\\r\\n\\r\\n", "421"],
  ["Host with another port", "GET / HTTP/1.1\\r\\nHost: localhost:1\\r\\n\\r\\n", "421"],
  ["no Host, as HTTP/1.0", "GET / HTTP/1.0\\r\\n\\r\\n", "421"],
])("%s is misdirected, and on record", async (_what, text, code) => {
  const done = await speak("localhost", text);
  expect(done.stdout, done.stderr).toContain(`said HTTP/1.1 ${code}`);
  expect(server.requests).toEqual([]);
  expect(refusals(done)).toEqual(["network.terminated-host"]);
});

test.each([
  ["two Host fields", "GET / HTTP/1.1\\r\\nHost: HOST\\r\\nHost: other.example\\r\\n\\r\\n"],
  ["the absolute form for another host", "GET http://other.example/ HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n"],
  ["the absolute form for this host", "GET https://HOST/ HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n"],
  ["CONNECT", "CONNECT other.example:443 HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n"],
  [
    "a line end alone in a field",
    "GET / HTTP/1.1\\r\\nHost: HOST\\r\\nX: a\\nHost: other.example\\r\\n\\r\\n",
  ],
  ["a return alone in a field", "GET / HTTP/1.1\\r\\nHost: HOST\\r\\nX: a\\rHost: other.example\\r\\n\\r\\n"],
  ["a folded field", "GET / HTTP/1.1\\r\\nHost: HOST\\r\\nX: a\\r\\n Host: other.example\\r\\n\\r\\n"],
  ["a space before the colon", "GET / HTTP/1.1\\r\\nHost: HOST\\r\\nHost : other.example\\r\\n\\r\\n"],
  [
    "two lengths",
    "POST / HTTP/1.1\\r\\nHost: HOST\\r\\nContent-Length: 3\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n",
  ],
])("%s goes nowhere", async (_what, text) => {
  const done = await speak("localhost", text);
  expect(done.stdout, done.stderr).toContain("said HTTP/1.1 400");
  expect(server.requests).toEqual([]);
});

test("a second request behind the first goes nowhere", async () => {
  const second = "GET /second HTTP/1.1\\r\\nHost: HOST\\r\\n\\r\\n";
  const length = "POST /first HTTP/1.1\\r\\nHost: HOST\\r\\nContent-Length: 2\\r\\n\\r\\nab";
  for (const first of [GOOD, length]) {
    const done = await speak("localhost", `${first}${second}`);
    expect(done.stdout, done.stderr).toContain("said HTTP/1.1 200");
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.url).not.toBe("/second");
  }
});

test("a host with a certificate of another name, or of an unknown authority, gets no request", async () => {
  for (const [to, trusted, code] of [
    [other, other, /ALTNAME|DEPTH_ZERO|SELF_SIGNED/],
    [server, other, /DEPTH_ZERO|SELF_SIGNED|UNABLE/],
  ] as const) {
    using arena = new Arena();
    const done = await run(arena, `curl -sS -m 9 https://localhost:${to.port}/`, to, trusted);
    expect(done.stdout, done.stderr).toMatch(code);
    expect(to.requests).toEqual([]);
    expect(done.records.some(({ kind, errno }) => kind === "outcome" && errno === "EPROTO")).toBe(true);
  }
});

test.each(["/echo", "/echo-head"])("a reply that holds the secret is cut: %s", async (path) => {
  using arena = new Arena();
  const done = await run(arena, `curl -sS -i -m 9 https://localhost:${server.port}${path}`);
  expect(done.stdout).not.toContain("s3cr3t-of");
  expect(done.exitCode).not.toBe(0);
  expect(refusals(done)).toContain("network.credential-echo");
});

test.each([
  ["terminated:localhost/path=Authorization:FILE", "Cannot grant the credential"],
  ["terminated:*.example.org=Authorization:FILE", "Cannot grant the credential"],
  ["terminated:127.0.0.1=Authorization:FILE", "Cannot grant the credential"],
  ["terminated@localhost:0=Authorization:FILE", "Cannot grant the credential"],
  ["terminated:localhost=Host:FILE", "Cannot grant the credential"],
])("%s refuses the run", async (grant, problem) => {
  using arena = new Arena();
  const file = arena.put("outside/token", SECRET, 0o600);
  const done = await confined(arena, ["true"], { env, flags: ["--credential", grant.replace("FILE", file)] });
  expect(done.exitCode).toBe(125);
  expect(done.stderr).toContain(problem);
});

describe("beside other hosts", () => {
  beforeEach((context) => {
    const obstacle = internetObstacle();
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  });

  test("those that nobody opened show their own certificate, and get no secret", async () => {
    using arena = new Arena();
    using internet = await Internet.make();
    const file = arena.put("outside/token", `${SECRET}\n`, 0o600);
    const authority = arena.put("home/ca.pem", readFileSync(internet.certificate));
    const seen = (host: string) =>
      `echo | openssl s_client -connect ${host}:443 -servername ${host} 2>/dev/null | openssl x509 -noout -issuer -ext subjectAltName | tr -d '\\n'; echo`;
    const script = [
      seen("example.org"),
      seen("www.example.org"),
      "curl -sS -m 9 https://example.org/one",
      "curl -sS -m 9 --cacert cert.pem https://www.example.org/two",
      "curl -sS -m 9 --noproxy '*' https://example.org/three",
      "curl -sSf -m 9 -o /dev/null http://example.org/plain || echo refused",
      "curl -sS -m 9 -k --resolve www.example.org:443:$(getent ahostsv4 example.org | cut -d' ' -f1 | head -1) --noproxy '*' https://www.example.org/four || echo refused",
    ].join("\n");
    const done = await internet.run(arena, ["bash", "-c", script], {
      env,
      flags: [
        "--credential",
        `terminated:example.org=Authorization:${file}`,
        "--credential-ca",
        authority,
        "--net-allow",
        "www.example.org",
      ],
    });
    expect(done.stdout, done.stderr).toBe(
      [
        `issuer=CN = sallyport run ${done.report!.run}X509v3 Subject Alternative Name:     DNS:example.org`,
        "issuer=CN = example.orgX509v3 Subject Alternative Name:     DNS:example.org, DNS:*.example.org",
        "hello from example.org",
        "hello from www.example.org",
        "hello from example.org",
        "refused",
        "refused",
        "",
      ].join("\n"),
    );
    const asked = done.arrivals.filter((line) => line.startsWith("http") || line.startsWith("authorization"));
    expect(asked).toEqual([
      expect.stringMatching(/^http .* 443 example\.org \/one$/),
      `authorization ${SECRET}`,
      expect.stringMatching(/^http .* 443 www\.example\.org \/two$/),
      expect.stringMatching(/^http .* 443 example\.org \/three$/),
      `authorization ${SECRET}`,
    ]);
    const marked = flows(done).map(({ path, extra }) => [path, extra?.["tls"]]);
    expect(
      marked.filter(([path]) => path === "www.example.org:443").every(([, tls]) => tls === undefined),
    ).toBe(true);
    expect(
      marked.filter(([path]) => path === "example.org:443").every(([, tls]) => tls === "terminated"),
    ).toBe(true);
  });
});
