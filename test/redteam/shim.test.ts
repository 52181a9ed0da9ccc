import { existsSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { Arena, fingerprint } from "../support/arena.ts";
import { survivors } from "../support/attack.ts";
import { confined } from "../support/confined.ts";
import { execute } from "../support/process.ts";

const CLIENT: string = new URL("../../dist/client/client.js", import.meta.url).pathname;

/** A program that asks its broker, inside a run. `client` is connected; what `say` gets is printed as a line of JSON. */
const program = (body: string): string => `
import { connect } from ${JSON.stringify(CLIENT)};
const [outside, workspace] = process.argv.slice(2);
const client = await connect();
const say = (what) => console.log(JSON.stringify(what));
const attempt = async (name, way) => {
  try {
    const value = await way();
    say({ name, ok: true, value: value === undefined ? null : typeof value === "object" ? "object" : value });
  } catch (error) {
    say({ name, ok: false, code: error.code, rule: error.denial?.rule ?? "" });
  }
};
${body}
client.close();
`;

type Said = { readonly name: string; readonly ok: boolean; readonly code?: string; readonly rule?: string };

async function ask(arena: Arena, body: string) {
  arena.put("workspace/agent.mjs", program(body));
  const command = [process.execPath, "agent.mjs", arena.outside, arena.workspace];
  // A Node that lies in a home or a build tree is not among the trees that every run may execute.
  const run = await confined(arena, command, { flags: ["--read", dirname(process.execPath)] });
  expect(run.exitCode, run.stderr).toBe(0);
  const said = run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Said);
  return { run, said };
}

test("every operation that a client can ask for is refused outside, and recorded", async () => {
  using arena = new Arena();
  arena.put("workspace/own", "own\n");
  const before = fingerprint(arena.outside);
  const { run, said } = await ask(
    arena,
    `
const file = outside + "/file";
await attempt("open read", () => client.open(file, "read"));
await attempt("open write", () => client.open(file, "write"));
await attempt("open append", () => client.open(file, "append"));
await attempt("create", () => client.open(outside + "/new", "write", { create: "exclusive" }));
await attempt("readFile", () => client.readFile(outside + "/secret"));
await attempt("writeFile", () => client.writeFile(file, "x"));
await attempt("list", () => client.list(outside));
await attempt("mkdir", () => client.mkdir(outside + "/new"));
await attempt("unlink", () => client.unlink(outside + "/victim"));
await attempt("rmdir", () => client.rmdir(outside + "/empty"));
await attempt("rename in", () => client.rename(workspace + "/own", outside + "/new"));
await attempt("rename out", () => client.rename(outside + "/victim", workspace + "/stolen"));
await attempt("exchange", () => client.rename(file, workspace + "/own", "exchange"));
await attempt("link in", () => client.link(workspace + "/own", outside + "/new"));
await attempt("link out", () => client.link(file, workspace + "/stolen"));
await attempt("symlink", () => client.symlink("/", outside + "/new"));
await attempt("chmod", () => client.chmod(file, 0o666));
await attempt("chown", () => client.chown(file, 1, 1));
await attempt("utimens", () => client.utimens(file, 1n, 1n));
await attempt("truncate", () => client.truncate(file, 0));
await attempt("setxattr", () => client.setxattr(file, "user.x", new Uint8Array(1)));
await attempt("removexattr", () => client.removexattr(file, "user.x"));
`,
  );
  expect(fingerprint(arena.outside)).toBe(before);
  expect(said.filter(({ ok }) => ok)).toEqual([]);
  expect(said.map(({ code }) => code)).toEqual(said.map(() => "DENIED"));
  expect(said.map(({ rule }) => rule)).toEqual(said.map(() => "default-deny"));
  expect(run.records.filter(({ kind, path }) => kind === "deny" && path?.startsWith(arena.root)).length).toBe(
    said.length,
  );
});

test("a client's paths through links of the workspace are judged by what they reach", async () => {
  using arena = new Arena();
  const before = fingerprint(arena.outside);
  const { said } = await ask(
    arena,
    `
await client.symlink(outside, workspace + "/link");
await client.symlink(outside + "/file", workspace + "/soft");
await attempt("below", () => client.writeFile(workspace + "/link/file", "x"));
await attempt("soft", () => client.writeFile(workspace + "/soft", "x"));
await attempt("truncate", () => client.truncate(workspace + "/soft", 0));
await attempt("chmod", () => client.chmod(workspace + "/soft", 0o666));
await attempt("unlink", () => client.unlink(workspace + "/link/victim"));
await attempt("list", () => client.list(workspace + "/link"));
await attempt("proc", () => client.readFile("/proc/self/root" + outside + "/secret"));
await attempt("proc of the parent", () => client.readFile("/proc/" + process.ppid + "/environ"));
`,
  );
  expect(fingerprint(arena.outside)).toBe(before);
  expect(said.filter(({ ok }) => ok)).toEqual([]);
});

test("secrets, hooks and the setuid bit are closed to a client as to any program", async () => {
  using arena = new Arena();
  arena.put("workspace/.env", "SECRET=1\n");
  arena.putRepository("workspace");
  const { said } = await ask(
    arena,
    `
await attempt("read", () => client.readFile(workspace + "/.env"));
await attempt("rename", () => client.rename(workspace + "/.env", workspace + "/x"));
await attempt("link", () => client.link(workspace + "/.env", workspace + "/x"));
await attempt("hook", () => client.writeFile(workspace + "/.git/hooks/pre-commit", "x"));
await attempt("config", () => client.appendFile(workspace + "/.git/config", "x"));
await attempt("setuid", () => client.chmod(workspace + "/agent.mjs", 0o4755));
await attempt("capability", () => client.setxattr(workspace + "/agent.mjs", "security.capability", new Uint8Array(20)));
`,
  );
  expect(said.filter(({ ok }) => ok)).toEqual([]);
  expect(existsSync(join(arena.workspace, ".git/hooks/pre-commit"))).toBe(false);
});

test("a program that a client starts is as confined as the client, and gone with the run", async () => {
  using arena = new Arena();
  const before = fingerprint(arena.outside);
  const { run, said } = await ask(
    arena,
    `
const shell = (script) => client.exec("/bin/sh", ["sh", "-c", script]);
await attempt("shell", async () => (await shell("echo x > " + outside + "/file; cat " + outside + "/secret > stolen; setsid sleep 1000 & touch done")).pid > 0);
await attempt("a program outside", () => client.exec(outside + "/file"));
await attempt("a directory", () => client.exec(workspace));
const { existsSync, watch } = await import("node:fs");
const { once } = await import("node:events");
const watcher = watch(workspace);
while (!existsSync("done")) await Promise.race([once(watcher, "change"), new Promise((resolve) => setTimeout(resolve, 50))]);
watcher.close();
`,
  );
  expect(fingerprint(arena.outside)).toBe(before);
  expect(said.map(({ ok }) => ok)).toEqual([true, false, false]);
  expect(survivors(arena)).toEqual([]);
  expect(
    run.records.some(({ kind, op, path }) => kind === "intent" && op === "exec" && path?.endsWith("sh")),
  ).toBe(true);
  expect(run.records.some(({ kind, path }) => kind === "deny" && path === join(arena.outside, "file"))).toBe(
    true,
  );
});

test("outside a run there is no broker to ask", async () => {
  using arena = new Arena();
  arena.put("workspace/agent.mjs", program(""));
  const plain = await execute([process.execPath, "agent.mjs"], { cwd: arena.workspace });
  expect(plain.exitCode).toBe(1);
  expect(plain.stderr).toContain("does not run under sallyport");
});

test("a program that a rule denies, started through a link: is refused, and recorded by its real name", async () => {
  using arena = new Arena();
  const denied = arena.put("workspace/.env", "#!/bin/sh\ntouch ran\n", 0o755);
  symlinkSync(".env", join(arena.workspace, "alias"));
  const { run, said } = await ask(arena, `await attempt("alias", () => client.exec(workspace + "/alias"));`);
  expect(said).toEqual([{ name: "alias", ok: false, code: "DENIED", rule: "secrets.files" }]);
  expect(run.records.some(({ kind, op, path }) => kind === "deny" && op === "exec" && path === denied)).toBe(
    true,
  );
});
