/** `sallyport token import`: a Biscuit becomes a token of this host, which a run has and a revocation ends. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openChain } from "../../src/tokens/biscuit/chain.ts";
import type { Block } from "../../src/tokens/biscuit/datalog.ts";
import { parseRootKey } from "../../src/tokens/biscuit/text.ts";
import { Arena } from "../support/arena.ts";
import { biscuit, checkIf, date, named, newBiscuitKey, op, pred, query, text } from "../support/biscuit.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/sallyport");
const ROOT = newBiscuitKey();
let arena: Arena;
let host: string;

beforeEach(() => {
  arena = new Arena();
  arena.put("workspace/a.md", "open\n");
  arena.put("workspace/b.txt", "closed\n");
  mkdirSync(join(arena.root, "b"));
  host = call("keys").stdout.split("\n")[0]!;
});
afterEach(() => arena[Symbol.dispose]());

function call(...args: readonly string[]): SpawnSyncReturns<string> {
  const env = { PATH: process.env["PATH"], HOME: arena.home };
  const [command, ...rest] = args;
  const argv = command === "run" ? args : ["token", command!, ...rest, "--state", arena.state];
  return spawnSync(process.execPath, [PROGRAM, ...argv], { cwd: arena.workspace, env, encoding: "utf8" });
}

function put(...blocks: readonly Partial<Block>[]): {
  readonly file: string;
  readonly ids: readonly string[];
} {
  const bytes = biscuit(ROOT, blocks);
  const file = join(arena.root, "b", "token.bc");
  writeFileSync(file, bytes);
  return { file, ids: openChain(bytes, parseRootKey(ROOT.text)).revocationIds };
}

const t = named("t");
const until = (ms: number) => checkIf(query([pred("time", t)], op(t, "<", date(ms))));
const files = (): Partial<Block> => ({
  facts: ["read", "write"].map((action) => pred("right_pattern", `${arena.workspace}/**`, action)),
});
const onlyMarkdown: Partial<Block> = {
  checks: [
    checkIf(query([pred("resource", named("r"))], op(named("r"), "ends_with", text(".md")))),
    checkIf(query([pred("operation", "read")])),
  ],
};
const imported = (file: string, ...more: readonly string[]) =>
  call(
    "import",
    "--biscuit",
    file,
    "--root-key",
    ROOT.text,
    "--subject",
    "planner",
    "--audience",
    host,
    ...more,
  );

it("gives a run what the Biscuit lets be done, and its revocation ids are kept", () => {
  const { file, ids } = put(files(), onlyMarkdown);
  const token = join(arena.root, "imported.token");
  const made = imported(file, "--id", "c-1", "--out", token);
  expect(made, made.stderr).toMatchObject({ status: 0, stdout: "" });
  expect(call("verify", token).stdout).toMatch(/^valid: envelope json · id c-1 · subject planner/);
  const [record] = call("list", "--json").stdout.trim().split("\n");
  expect(JSON.parse(record!)).toMatchObject({
    id: "c-1",
    imported: { rootKey: ROOT.bytes.toString("hex"), revocationIds: ids },
  });
  const options = ["--profile", ":workspace", "--state", arena.state, "--token", token];
  const ran = call("run", ...options, "--", "sh", "-c", "cat a.md; cat b.txt; echo x > a.md; cat a.md");
  expect(ran.stdout, ran.stderr).toBe("open\nopen\n");
});

it("does not outlive the Biscuit, nor what a token may live", () => {
  const end = Math.ceil(Date.now() / 1000) * 1000 + 60_000;
  const { file } = put({ ...files(), checks: [until(end)] });
  const expires = (...more: readonly string[]): number => {
    const made = imported(file, ...more, "--run", "r-1");
    expect(made.status, made.stderr).toBe(0);
    const [line] = call("list", "--json").stdout.trim().split("\n").slice(-1);
    return JSON.parse(line!).expiresMs;
  };
  expect(expires("--expires", "2h")).toBe(end);
  expect(expires("--expires", "30s")).toBeLessThan(end);
  const gone = imported(put({ ...files(), checks: [until(Date.now() - 60_000)] }).file);
  expect(gone).toMatchObject({ status: 125, stdout: "" });
  expect(gone.stderr).toMatch(/\(expired\)/);
});

it.each<[string, () => string, readonly string[], RegExp]>([
  [
    "another root key",
    () => put(files()).file,
    ["--root-key", newBiscuitKey().text],
    /not signed by the root key \(bad-signature\)/,
  ],
  ["no root key", () => put(files()).file, ["--root-key", "x"], /root-key" is no Ed25519 key/],
  [
    "a check that is not understood",
    () => put(files(), { checks: [checkIf(query([pred("hour", named("h"))]))] }).file,
    [],
    /block 1, check 1" is not understood: `check if hour\(\$h\)`/,
  ],
  ["no file", () => "/nowhere", [], /Cannot read "\/nowhere": ENOENT/],
])("%s: no token, and nothing is written down", (_what, file, more, said) => {
  const made = imported(file(), ...more);
  expect(made.status).not.toBe(0);
  expect(made.stdout).toBe("");
  expect(made.stderr).toMatch(said);
  expect(call("list").stdout).toBe("");
});

it("is for whom the caller says, and the caller must say it", () => {
  const { file } = put(files());
  const bare = ["import", "--biscuit", file, "--root-key", ROOT.text];
  expect(call(...bare, "--audience", host).stderr).toMatch(/"subject" is missing/);
  expect(call(...bare, "--subject", "planner").stderr).toMatch(/--audience/);
  // A token for another host is made, and not taken here.
  const other = join(arena.root, "other.token");
  expect(call(...bare, "--subject", "planner", "--audience", "urn:other", "--out", other).status).toBe(0);
  expect(call("verify", other).stdout).toMatch(/wrong-audience/);
  expect(call(...bare, "--subject", "planner", "--audience", host, "--read", "/etc/**").stderr).toMatch(
    /unknown option/,
  );
});

it("ends with the Biscuit, by the id of any of its blocks, and none is made of it again", () => {
  const { file, ids } = put(files(), onlyMarkdown);
  const bytes = readFileSync(file);
  const token = join(arena.root, "imported.token");
  expect(imported(file, "--id", "c-1", "--out", token).status).toBe(0);
  const other = put(files());
  expect(imported(other.file, "--id", "c-2").status).toBe(0);
  expect(call("revoke", "--biscuit", "abc").stderr).toMatch(/128 hex digits/);
  expect(call("revoke", "--biscuit", ids[1]!).status).toBe(0);
  expect(call("verify", token)).toMatchObject({ status: 1 });
  const states = call("list")
    .stdout.split("\n")
    .map((line) => line.split(" ").slice(0, 2).join(" ").trim());
  expect(states).toContain("revoked");
  expect(call("list").stdout).toMatch(/^revoked +c-1 .*\nactive +c-2 /m);
  writeFileSync(file, bytes);
  const again = imported(file, "--id", "c-3");
  expect(again.status).not.toBe(0);
  expect(again.stderr).toMatch(/revoked/);
  // Another Biscuit of the same issuer is another matter.
  writeFileSync(file, biscuit(ROOT, [files()]));
  expect(imported(file).status).toBe(0);
});
