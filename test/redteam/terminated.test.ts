import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";
import { CredentialServer } from "../support/credential_server.ts";

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
async function run(arena: Arena, script: string, to = server, more: readonly string[] = []) {
  const file = arena.put("outside/token", `${SECRET}\n`, 0o600);
  const authority = arena.put("home/ca.pem", readFileSync(to.authority));
  for (const one of [server, other]) one.requests.length = 0;
  const grant = `terminated:localhost:${to.port}=Authorization:${file}`;
  return await confined(arena, ["bash", "-c", script], {
    env: { ...env, URL: `https://localhost:${to.port}` },
    flags: ["--credential", grant, "--credential-ca", authority, ...more],
  });
}

test("programs use the host by its own name, and the secret is added where none of them sees it", async () => {
  using arena = new Arena();
  const url = `https://localhost:${server.port}`;
  const node = `fetch("${url}/node").then((r) => r.text()).then((t) => process.stdout.write(t))`;
  const done = await run(
    arena,
    [
      `curl -sS -m 9 ${url}/one`,
      `curl -sS -m 9 -d body -H "Authorization: mine" ${url}/two`,
      `curl -sS -m 9 --noproxy "*" ${url}/direct`,
      `curl -sS -m 9 --socks5-hostname "$SALLYPORT_SOCKS5" --noproxy "" -x "" ${url}/socks`,
      `python3 -c 'import urllib.request; print(urllib.request.urlopen("${url}/python").read().decode().strip())'`,
      `node -e '${node}'`,
      `curl -sS -m 20 ${url}/big | wc -c`,
      "exit 0",
    ].join("\n"),
  );
  expect(done.stdout, done.stderr).toBe(
    ["one", "two", "direct", "socks", "python", "node"].map((name) => `hello /${name}\n`).join("") + "3000000\n",
  );
  expect(new Set(server.requests.map(({ headers }) => headers["authorization"]))).toEqual(new Set([SECRET]));
});
