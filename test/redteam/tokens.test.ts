/** A holder, a thief and a neighbour try to get more out of tokens than was given, by the command line as people use it. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyHostLog } from "../../src/audit/hostlog.ts";
import type { PrivateJwk } from "../../src/tokens/jwk.ts";
import { rawJws, resigned } from "../support/tokens.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/sallyport");
let scratch: string;
let workspace: string;

function sallyport(...args: string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const env = { ...process.env, XDG_STATE_HOME: join(scratch, "state") };
  return spawnSync(process.execPath, [PROGRAM, ...args], { cwd: workspace, env, encoding: "utf8" });
}
function token(...args: string[]): string {
  const { status, stdout, stderr } = sallyport("token", ...args);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.trimEnd();
}
function verdictOn(
  text: string,
  ...flags: string[]
): { readonly valid: boolean; readonly reason?: string; readonly field?: string } {
  const path = join(scratch, "brought");
  writeFileSync(path, text);
  return JSON.parse(sallyport("token", "verify", path, "--json", ...flags).stdout) as { valid: boolean };
}
const keyOf = (name: string): PrivateJwk =>
  JSON.parse(readFileSync(join(workspace, name), "utf8")) as PrivateJwk;

beforeAll(() => {
  scratch = mkdtempSync("/tmp/sallyport-tokens-");
  workspace = join(scratch, "w");
  mkdirSync(workspace);
  for (const name of ["planner.key", "search.key"]) token("keys", "--new", name);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MINT = [
  "mint",
  "--subject",
  "planner",
  "--read",
  "reports/**",
  "--write",
  "drafts/*.md",
  "--max-size",
  "100K",
  "--uses",
  "10",
  "--depth",
  "2",
];

describe("a holder", () => {
  it("hands a part on; what is wider is neither made nor taken", () => {
    token(...MINT, "--run", "r-1", "--holder", "planner.key", "--out", "root");
    expect(statSync(join(workspace, "root")).mode & 0o777).toBe(0o600);
    const part = token(
      "attenuate",
      "root",
      "--key",
      "planner.key",
      "--holder",
      "search.key",
      "--subject",
      "planner/search",
      "--read",
      "reports/*.pdf",
    );
    expect(verdictOn(part, "--run", "r-1")).toMatchObject({
      valid: true,
      subject: "planner/search",
      links: 2,
    });
    expect(verdictOn(part, "--run", "r-2")).toMatchObject({ valid: false, reason: "wrong-run" });

    const refused = sallyport("token", "attenuate", "root", "--key", "planner.key", "--read", "/etc/**");
    expect(refused).toMatchObject({ status: 125, stdout: "" });
    expect(refused.stderr).toMatch(
      /field "actions\[0\]\.path" is "\/etc\/\*\*", which is not within .*: write a narrower one/,
    );

    const wider = resigned(part, keyOf("planner.key"), (claims) => ({
      ...claims,
      authorization_details: JSON.parse(
        JSON.stringify(claims["authorization_details"]).replace(/reports\/\*\.pdf/, "**"),
      ) as unknown,
    }));
    expect(verdictOn(wider)).toMatchObject({
      valid: false,
      reason: "widened",
      field: "chain[1].actions[0].path",
    });
    expect(verdictOn(resigned(part, keyOf("planner.key"), { exp: 4_000_000_000 }))).toMatchObject({
      valid: false,
    });
    expect(verdictOn(resigned(part, keyOf("search.key"), {}))).toMatchObject({
      valid: false,
      reason: "bad-signature",
    });
  });

  it("can not sign as the host, by no algorithm", () => {
    const own = token(...MINT, "--run", "r-1", "--holder", "planner.key");
    expect(verdictOn(resigned(own, keyOf("planner.key")))).toMatchObject({ reason: "bad-signature" });
    expect(verdictOn(rawJws({ alg: "none", typ: "aat+jwt" }, {}, new Uint8Array(64)))).toMatchObject({
      reason: "algorithm-none",
    });
  });
});

describe("a thief", () => {
  it("has no use of a token without a run for longer than five minutes", () => {
    const { status, stderr } = sallyport("token", ...MINT, "--expires", "6m");
    expect(status).toBe(125);
    expect(stderr).toMatch(/bearer-too-long/);
  });

  it("finds no file with a key or a token that others may read", () => {
    const state = join(scratch, "state/sallyport/tokens");
    for (const name of ["issuer.json", "minted.jsonl"])
      expect(statSync(join(state, name)).mode & 0o777, name).toBe(0o600);
    expect(statSync(join(workspace, "planner.key")).mode & 0o777).toBe(0o600);
    // Tokens that are good for whoever has them are not kept.
    const bearer = token(...MINT, "--run", "r-1");
    expect(readFileSync(join(state, "minted.jsonl"), "utf8")).not.toContain(bearer.split(".")[2]!);
  });
});

describe("revocation", () => {
  it("ends a token and what was derived of it, is on record, and holds for what is made next", () => {
    const root = token(...MINT, "--run", "r-9", "--holder", "planner.key", "--id", "c-9");
    writeFileSync(join(workspace, "nine"), root);
    const part = token("attenuate", "nine", "--key", "planner.key", "--holder", "search.key");
    expect(verdictOn(part)).toMatchObject({ valid: true });
    token("revoke", "--id", "c-9", "--reason", "test");
    for (const text of [root, part])
      expect(verdictOn(text)).toMatchObject({ valid: false, reason: "revoked", field: "id" });
    expect(token("list")).toMatch(/^revoked {2}c-9 /m);
    token("revoke", "--run", "r-10");
    const again = sallyport("token", ...MINT, "--run", "r-10");
    expect(again.status).toBe(125);
    expect(again.stderr).toMatch(/run r-10 was revoked/);
    const state = join(scratch, "state/sallyport");
    const log = verifyHostLog(state, readFileSync(join(state, "keys/log.vkey"), "utf8"));
    expect(log.problems).toEqual([]);
    expect(log.entries.filter(({ kind }) => kind === "token-revoked").map(({ about }) => about)).toEqual([
      "id c-9",
      "run r-10",
    ]);
    expect(sallyport("audit", "verify").status).toBe(0);
  });

  it("asks for exactly one thing", () => {
    expect(sallyport("token", "revoke").status).toBe(125);
    expect(sallyport("token", "revoke", "--id", "a", "--run", "b").stderr).toMatch(/exactly one of/);
  });

  it("is nothing that a cut or spoilt file undoes", () => {
    const path = join(scratch, "state/sallyport/tokens/revocations.jsonl");
    const whole = readFileSync(path);
    const root = readFileSync(join(workspace, "nine"), "utf8");
    writeFileSync(path, `${whole.toString()}garbage\n`);
    writeFileSync(join(scratch, "brought"), root);
    expect(sallyport("token", "verify", join(scratch, "brought"))).toMatchObject({ status: 125, stdout: "" });
    writeFileSync(path, whole);
  });
});

describe("a pattern", () => {
  it("is filled in where the token is made, and never leads out of the workspace by itself", () => {
    const shown = (...args: string[]): string[] => {
      writeFileSync(join(scratch, "shown"), token("mint", "--subject", "a", ...args));
      const { chain } = JSON.parse(token("show", join(scratch, "shown"), "--json")) as {
        chain: { actions: { path: string }[] }[];
      };
      return chain[0]!.actions.map(({ path }) => path);
    };
    expect(
      shown(
        "--read",
        "a/*",
        "--list",
        "**/b",
        "--stat",
        "${workspace}/c",
        "--delete",
        "./d",
        "--write",
        "/abs/*",
      ),
    ).toEqual([`${workspace}/a/*`, "/abs/*", `${workspace}/d`, `${workspace}/**/b`, `${workspace}/c`]);
    expect(sallyport("token", "mint", "--subject", "a", "--read", "../x").stderr).toMatch(/\.\./);
    expect(sallyport("token", "mint", "--subject", "a", "--read", "${run}/x").stderr).toMatch(
      /no value for "run"/,
    );
  });

  it("of a file with fields is taken the same way; what is not the order's to say is refused", () => {
    writeFileSync(
      join(workspace, "order.yaml"),
      "subject: planner\nactions:\n  - action: write\n    path: drafts/*.md\n    max_size: 102400\n",
    );
    const text = token("mint", "--from", "order.yaml", "--read", "x");
    expect(verdictOn(text)).toMatchObject({ valid: true, subject: "planner" });
    writeFileSync(join(workspace, "bad.yaml"), "subject: planner\nissued_by: urn:boss\nactions: []\n");
    expect(sallyport("token", "mint", "--from", "bad.yaml").stderr).toMatch(
      /field "issued_by" is not the order's to say/,
    );
    writeFileSync(join(workspace, "bad.yaml"), "subject: planner\nactions: []\nmax_uses: 3\n");
    expect(sallyport("token", "mint", "--from", "bad.yaml").stderr).toMatch(/field "max_uses" is not known/);
  });
});
