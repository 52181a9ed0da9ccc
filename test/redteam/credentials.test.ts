import { linkSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined, sallyport } from "../support/confined.ts";
import { CredentialServer } from "../support/credential_server.ts";
import { eachUser } from "../support/each_user.ts";

const SECRET = "Bearer s3cr3t-of-the-person-0123456789";
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

const env = { PATH: "/usr/bin:/bin" };

/** A run whose API_URL leads to the server with the secret. */
async function run(arena: Arena, command: readonly string[], to = server, more: readonly string[] = []) {
  const file = arena.put("outside/token", `${SECRET}\n`, 0o600);
  const authority = arena.put("home/ca.pem", readFileSync(server.authority));
  server.requests.length = 0;
  const grant = `API_URL@localhost:${to.port}=Authorization:${file}`;
  return await confined(arena, command, {
    env,
    flags: ["--credential", grant, "--credential-ca", authority, ...more],
  });
}

eachUser((owner) => {
  test("the host gets the secret, the program and the records do not", async () => {
    using arena = new Arena(owner);
    const script = [
      'curl -sS -m 9 "$API_URL/one?x=1"',
      'curl -sS -m 9 -H "Authorization: mine" -H "AUTHORIZATION: also mine" -H "Host: elsewhere.example" -d body "$API_URL/two"',
      'curl -sS -m 9 --noproxy "" -x "" -H "Connection: authorization" "$API_URL/three"',
      'curl -sS -m 20 "$API_URL/big" | wc -c',
      `python3 -c 'import os, urllib.request; print(urllib.request.urlopen(os.environ["API_URL"] + "/four").read().decode().strip())'`,
      "env; cat /proc/self/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'",
      "cat ../outside/token",
      "exit 0",
    ].join("\n");
    const done = await run(arena, ["bash", "-c", script]);
    expect(done.stdout, done.stderr).toMatch(
      /^hello \/one\?x=1\nhello \/two\nhello \/three\n3000000\nhello \/four\n/,
    );
    expect(done.stdout).toMatch(/API_URL=http:\/\/198\.18\.0\.1:\d+\n/);
    const asked = server.requests.map(({ url, headers }) => [url, headers["authorization"], headers["host"]]);
    const host = `localhost:${server.port}`;
    expect(asked).toEqual(["/one?x=1", "/two", "/three", "/big", "/four"].map((url) => [url, SECRET, host]));
    expect(server.requests[1]?.body).toBe("body");
    expect(server.requests.some(({ headers }) => String(headers["raw"]).includes("mine"))).toBe(false);
    const shown = await sallyport(arena, [
      "audit",
      "show",
      done.report!.run,
      "--json",
      "--state",
      arena.state,
    ]);
    for (const text of [done.stdout, done.stderr, shown.stdout]) expect(text).not.toContain("s3cr3t");
    const flows = done.records.filter(({ kind, op }) => kind === "intent" && op === "connect");
    expect(flows).toHaveLength(5);
    expect(flows[0]).toMatchObject({ path: host, extra: { via: "credential" } });
    const outcome = done.records.find(({ intent }) => intent === flows[3]!.seq);
    expect(outcome?.errno).toBeUndefined();
    expect(outcome?.extra?.["bytesDown"]).toBeGreaterThan(3_000_000);
    expect(done.stderr).toContain(`net authorization for ${host}`);
  });
});

test("a redirect is not followed, and grants nothing", async () => {
  using arena = new Arena();
  const done = await run(arena, [
    "bash",
    "-c",
    'curl -sS -m 9 -i "$API_URL/redirect"; curl -sSL -m 9 "$API_URL/redirect"; echo $?',
  ]);
  expect(done.stdout).toContain("HTTP/1.1 302");
  expect(done.stdout).toContain("elsewhere");
  expect(server.requests.map(({ url }) => url)).toEqual(["/redirect", "/redirect"]);
  expect(done.records.some(({ kind, path }) => kind === "deny" && path === "elsewhere.example:443")).toBe(
    true,
  );
});

test("the credential grants its host by its endpoint alone", async () => {
  using arena = new Arena();
  const done = await run(arena, [
    "bash",
    "-c",
    `curl -sSk -m 9 https://localhost:${server.port}/; curl -sSk --noproxy "" -m 9 https://localhost:${server.port}/; exit 0`,
  ]);
  expect(server.requests, done.stderr).toEqual([]);
});

test.each(["/echo", "/echo-head"])("a reply that holds the secret is cut: %s", async (path) => {
  using arena = new Arena();
  const done = await run(arena, ["bash", "-c", `curl -sS -i --compressed -m 9 "$API_URL${path}"`]);
  expect(server.requests.map(({ headers }) => headers["accept-encoding"])).toEqual(["identity"]);
  expect(done.stdout).not.toContain("s3cr3t-of");
  expect(done.exitCode).not.toBe(0);
  expect(done.records.some(({ rule }) => rule === "network.credential-echo")).toBe(true);
});

test.each([
  ["a certificate of another name", () => other, /ERR_TLS_CERT_ALTNAME_INVALID|DEPTH_ZERO|SELF_SIGNED/],
])("%s gets no secret", async (_what, host, code) => {
  using arena = new Arena();
  const to = host();
  to.requests.length = 0;
  const done = await run(arena, ["bash", "-c", 'curl -sS -m 9 "$API_URL/"'], to);
  expect(done.stdout).toMatch(code);
  expect(to.requests).toEqual([]);
  const failed = done.records.find(({ kind, errno }) => kind === "outcome" && errno === "EPROTO");
  expect(failed).toBeDefined();
});

test("an authority that nobody named is not trusted, whatever the environment says", async () => {
  using arena = new Arena();
  const file = arena.put("outside/token", SECRET, 0o600);
  server.requests.length = 0;
  const done = await confined(arena, ["bash", "-c", 'curl -sS -m 9 "$API_URL/"'], {
    env: { ...env, NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_EXTRA_CA_CERTS: server.authority },
    flags: ["--credential", `API_URL@localhost:${server.port}=Authorization:${file}`],
  });
  expect(done.stdout, done.stderr).toMatch(/SELF_SIGNED/);
  expect(server.requests).toEqual([]);
});

test.each([
  ["API_URL@localhost", "Cannot grant the credential: write VARIABLE@HOST"],
  ["API_URL@127.0.0.1=Authorization:FILE", "Cannot grant the credential"],
  ["API_URL@localhost=Host:FILE", "Cannot grant the credential"],
  ["API_URL@localhost=Content-Length:FILE", "Cannot grant the credential"],
  ["1X@localhost=Authorization:FILE", "Cannot grant the credential"],
  ["API_URL@localhost=Authorization:MISSING", "ENOENT"],
  ["API_URL@localhost=Authorization:OPEN", "others may read it"],
  ["API_URL@localhost=Authorization:INSIDE", "the run may read it"],
  ["API_URL@localhost=Authorization:LINKED", "second name"],
  ["API_URL@localhost=Authorization:LINES", "no one line"],
])("%s refuses the run: %s", async (grant, problem) => {
  using arena = new Arena();
  const files = {
    FILE: arena.put("outside/token", SECRET, 0o600),
    OPEN: arena.put("outside/open", SECRET, 0o640),
    INSIDE: arena.put("workspace/token", SECRET, 0o600),
    LINKED: arena.put("outside/linked", SECRET, 0o600),
    LINES: arena.put("outside/lines", `${SECRET}\nX-Other: 1\n`, 0o600),
    MISSING: `${arena.root}/missing`,
  };
  linkSync(files.LINKED, `${arena.outside}/second`);
  const [name = ""] = /[A-Z]+$/.exec(grant.replace("API_URL", "")) ?? [];
  const full = grant.replace(/:[A-Z]+$/, `:${files[name as keyof typeof files]}`);
  const done = await confined(arena, ["true"], { env, flags: ["--credential", full] });
  expect(done.exitCode).toBe(125);
  expect(done.stderr).toContain(problem);
  expect(done.stderr).not.toContain("s3cr3t");
});
