import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { type Confined, confined, runCommand } from "../support/confined.ts";
import { CredentialServer } from "../support/credential_server.ts";
import { execute } from "../support/process.ts";
import { CTRL_C, onTerminal, terminalObstacle } from "../support/terminal.ts";

const SECRET = "Bearer s3cr3t-of-the-person-0123456789";
const env = { PATH: "/usr/bin:/bin" };
let server: CredentialServer;

beforeAll(async () => {
  server = await CredentialServer.make("localhost");
});
afterAll(() => server?.[Symbol.dispose]());

/** Flags for a secret that comes from elsewhere, and for the authority of the server. */
function flagsFor(arena: Arena, source: string): string[] {
  server.requests.length = 0;
  const authority = arena.put("home/ca.pem", readFileSync(server.authority));
  const grant = `API_URL@localhost:${server.port}=Authorization:${source}`;
  return ["--credential", grant, "--credential-ca", authority];
}

/** A profile whose one credential is as `fields` say. */
function profileFor(arena: Arena, ...fields: string[]): string {
  server.requests.length = 0;
  const lines = ["host: localhost:PORT", "header: Authorization", ...fields].map((line) => `      ${line}`);
  const text = [
    "name: mine",
    "version: 1",
    "description: A credential",
    'extends: [":workspace"]',
    "network:",
    "  credentials:",
    `    - ${lines.join("\n").trimStart()}`,
    "",
  ].join("\n");
  return arena.put("home/mine.yaml", text.replace("PORT", String(server.port)));
}

const authorityFlags = (arena: Arena): string[] => [
  "--credential-ca",
  arena.put("home/ca.pem", readFileSync(server.authority)),
];
const got = () => server.requests.map(({ headers }) => headers["authorization"]);

test("a line of standard input is the secret, and what follows it is the program's", async () => {
  using arena = new Arena();
  const run = await confined(arena, ["bash", "-c", 'curl -sS -m 9 "$API_URL/"; cat; env'], {
    env,
    input: `${SECRET}\nfor the program\nand more\n`,
    flags: flagsFor(arena, "@-"),
  });
  expect(run.stdout, run.stderr).toMatch(/^hello \/\nfor the program\nand more\n/);
  expect(run.stdout + run.stderr).not.toContain("s3cr3t");
  expect(got()).toEqual([SECRET]);
});

const STAGED = ["without a stage", "in a stage"] as const;

test.each(STAGED)("a descriptor gives the secret, and is not the program's: %s", async (how) => {
  using arena = new Arena();
  const flags = [...flagsFor(arena, "@7"), ...(how === "in a stage" ? ["--stage"] : [])];
  const script = 'curl -sS -m 9 "$API_URL/"; ls -l /proc/self/fd; cat <&7; cat /proc/self/fd/7; exit 0';
  const command = runCommand(arena, ["bash", "-c", script], { flags });
  // Through a pipe: a file of bash could be looked for.
  const done = await execute(
    ["bash", "-c", 'exec 7< <(printf "%s\\n" "$0"); exec "$@"', SECRET, ...command],
    {
      cwd: arena.workspace,
      env,
    },
  );
  expect(done.stdout, done.stderr).toMatch(/^hello \//);
  expect(done.stdout).not.toMatch(/ 7 ->/);
  expect(done.stdout + done.stderr).not.toContain("s3cr3t");
  expect(got()).toEqual([SECRET]);
});

test("a descriptor of a file that the run may read is refused", async () => {
  using arena = new Arena();
  const file = arena.put("workspace/token", SECRET, 0o600);
  const command = runCommand(arena, ["true"], { flags: flagsFor(arena, "@7") });
  const done = await execute(["bash", "-c", 'exec 7<"$0"; exec "$@"', file, ...command], {
    cwd: arena.workspace,
  });
  expect(done.exitCode).toBe(125);
  expect(done.stderr).toContain("the run may read it");
});

test.each([
  ["@7", "EBADF"],
  ["@-", "no one line"],
])("a source that gives nothing refuses the run: %s", async (source, problem) => {
  using arena = new Arena();
  const run = await confined(arena, ["true"], { env, flags: flagsFor(arena, source) });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain(problem);
});

test("a profile names the file of a secret below the home", async () => {
  using arena = new Arena();
  const file = arena.put("outside/token", `${SECRET}\n`, 0o600);
  const profile = profileFor(arena, "tls: terminated", `file: ${file}`);
  const flags = authorityFlags(arena);
  const script = `curl -sS -m 9 https://localhost:${server.port}/; cat ${file}; exit 0`;
  const run = await confined(arena, ["bash", "-c", script], { env, profile, flags });
  expect(run.stdout, run.stderr).toBe("hello /\n");
  expect(got()).toEqual([SECRET]);
  arena.put("outside/token", `${SECRET}\n`, 0o644);
  const open = await confined(arena, ["true"], { env, profile, flags });
  expect(open.stderr).toContain("others may read it");
  expect(open.exitCode).toBe(125);
});

const ENTRY = ["variable: API_URL", "entry: api-key"];

test("an entry of a profile is given at the start, and only there", async () => {
  using arena = new Arena();
  const profile = profileFor(arena, ...ENTRY);
  const command = ["bash", "-c", 'curl -sS -m 9 "$API_URL/"'];
  const file = arena.put("outside/token", `${SECRET}\n`, 0o600);
  const start = (...flags: string[]): Promise<Confined> =>
    confined(arena, command, {
      env,
      profile,
      input: `${SECRET}\n`,
      flags: [...authorityFlags(arena), ...flags],
    });
  for (const source of ["@-", file]) {
    const run = await start("--secret", `api-key=${source}`);
    expect(run.stdout, run.stderr).toBe("hello /\n");
  }
  expect(got()).toEqual([SECRET, SECRET]);
  for (const [flags, problem] of [
    [[], 'the entry "api-key": nobody gave it'],
    [["--secret", "other=@-"], 'names the entry "other"'],
    [["--secret", `api-key=${SECRET}`], "ENOENT"],
    [["--secret", SECRET], "write NAME=FILE"],
  ] as const) {
    const run = await start(...flags);
    expect(run.exitCode).toBe(125);
    expect(run.stderr).toContain(problem);
  }
});

test("on a terminal an entry is asked for, without showing what is typed", async (context) => {
  if (terminalObstacle() !== "") context.skip(`skipped: ${terminalObstacle()}`);
  using arena = new Arena();
  const profile = profileFor(arena, ...ENTRY);
  const flags = authorityFlags(arena);
  const command = runCommand(
    arena,
    ["bash", "-c", 'curl -sS -m 9 "$API_URL/"; read line; echo "got $line"'],
    {
      profile,
      flags,
    },
  );
  const done = await onTerminal(
    command,
    [
      { wait: "secret for api-key:" },
      { send: `${SECRET}x\u007f\r` },
      { wait: "hello /" },
      { send: "typed\r" },
    ],
    { cwd: arena.workspace, env },
  );
  expect(done.output).toContain("got typed");
  expect(done.output).not.toContain("s3cr3t");
  expect(got()).toEqual([SECRET]);
  const given = await onTerminal(command, [{ wait: "secret for api-key:" }, { send: CTRL_C }], {
    cwd: arena.workspace,
    env,
  });
  expect(given.exitCode).toBe(125);
  expect(given.output).toContain("nobody gave it");
});
