import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { type Confined, confined } from "../support/confined.ts";
import { GpgHome, gpgObstacle } from "../support/gpg_home.ts";

beforeEach((context) => {
  if (gpgObstacle() !== "") context.skip(`skipped: ${gpgObstacle()}`);
});

const intents = ({ records }: Confined) =>
  records.filter(({ kind, op }) => kind === "intent" && op === "gpg-sign");
const denials = ({ records }: Confined) =>
  records.filter(({ kind, rule }) => kind === "deny" && rule?.startsWith("sockets."));

test("gpg and git sign with the granted key, and each signature is on record before it is made", async () => {
  using arena = new Arena();
  using person = new GpgHome();
  const key = person.makeKey("granted");
  const message = arena.put("workspace/message", "hello\n");
  const script = [
    "set -e",
    "gpg --batch --detach-sign message",
    "gpg --batch --armor --detach-sign --digest-algo SHA512 -o message.asc message",
    "git init -q . && git config user.name G && git config user.email granted@example.org",
    "git add message && git commit -qS -m one && git log -1 --format=%G?",
    `git -c user.signingkey=${key.fingerprint} commit -qS --allow-empty -m two`,
    "gpg --batch --list-secret-keys --with-colons | grep -c ^sec",
  ].join("\n");
  const run = await confined(arena, ["bash", "-c", script], {
    env: person.env,
    flags: ["--gpg-sign", key.fingerprint],
  });
  expect(run.exitCode, run.stderr + run.stdout).toBe(0);
  for (const name of ["message.sig", "message.asc"])
    expect(person.verify(join(arena.workspace, name), message)).toContain(`VALIDSIG ${key.fingerprint}`);
  for (const commit of ["HEAD", "HEAD~"]) {
    const checked = execFileSync("git", ["-C", arena.workspace, "verify-commit", "--raw", commit], {
      env: person.env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(checked).toBe("");
  }
  const signed = intents(run);
  expect(signed).toHaveLength(4);
  for (const { path, to, rule, seq } of signed) {
    expect(path).toBe(key.keygrip);
    expect(to).toMatch(/^digest (?:8|10) [0-9A-F]{64,128}$/);
    expect(rule).toBe("option.gpg-sign");
    const outcome = run.records.find(({ kind, intent }) => kind === "outcome" && intent === seq);
    expect(outcome?.errno).toBeUndefined();
    expect(outcome!.seq).toBeGreaterThan(seq);
  }
  expect(signed[1]?.to).toMatch(/^digest 10 [0-9A-F]{128}$/);
  expect(denials(run)).toEqual([]);
});
