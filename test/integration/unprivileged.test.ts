import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Arena, fingerprint, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import { REFUSED, runVictim } from "../support/hostile.ts";

beforeEach((context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
});

test("a user without privileges runs, is brokered, and reads the log", async () => {
  using arena = new Arena(NOBODY);
  const run = await confined(arena, [
    "bash",
    "-c",
    "id -u; mkdir d; echo x > d/f; umask 077; touch g; cat d/f; exit 7",
  ]);
  expect(run.stdout, run.stderr).toBe(`${NOBODY}\nx\n`);
  expect(run.exitCode).toBe(7);
  expect(statSync(join(arena.workspace, "d/f")).uid).toBe(NOBODY);
  expect(statSync(join(arena.workspace, "g")).mode & 0o777).toBe(0o600);
  expect(run.records.length).toBe(run.report?.auditHead.size);
  const verified = await sallyport(arena, ["audit", "verify", "--state", arena.state]);
  expect(verified.exitCode, verified.stdout).toBe(0);
});

test.each([
  ["path_operations", (arena: Arena) => [arena.outside]],
  ["symlink_plant", (arena: Arena) => [arena.outside]],
  ["hardlink_plant", (arena: Arena) => [join(arena.outside, "file")]],
  ["path_spellings", (arena: Arena) => [arena.outside]],
  ["not_dumpable", (arena: Arena) => [join(arena.outside, "file")]],
  ["setuid_bit", () => []],
  ["io_uring", (arena: Arena) => [join(arena.outside, "file")]],
  ["pathname_socket", (arena: Arena) => [join(arena.outside, "file")]],
  ["abstract_socket", (arena: Arena) => [arena.root]],
  ["connect_stream", (arena: Arena) => [join(arena.outside, "file")]],
  ["dgram_sendto", (arena: Arena) => [join(arena.outside, "file")]],
  ["memfd_exec", () => []],
  ["nested_notify", (arena: Arena) => [join(arena.outside, "file")]],
  ["starve_outside", () => ["0"]],
] as const)(
  "an attack of a user without privileges on what is his own is refused: %s",
  async (victim, args) => {
    using arena = new Arena(NOBODY);
    arena.put("workspace/own", "own\n");
    const before = fingerprint(arena.outside);
    const run = await runVictim(arena, victim, args(arena));
    expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
    expect(fingerprint(arena.outside)).toBe(before);
    expect(run.report?.denials).toBeGreaterThan(0);
  },
);

test("git, python and gcc work for a user without privileges", async () => {
  using arena = new Arena(NOBODY);
  arena.put("workspace/hello.c", "int main(void) { return 5; }\n");
  const script = [
    "git init -q r && cd r && echo x > f && git add f",
    "git -c user.name=A -c user.email=a@example.org commit -qm one && git log --format=%s",
    "cd .. && python3 -c 'print(open(\"r/f\").read().strip())'",
    "gcc -o hello hello.c; ./hello; echo $?",
  ];
  const run = await confined(arena, ["bash", "-c", script.join("\n")], { env: { PATH: "/usr/bin:/bin" } });
  expect(run.stdout, run.stderr).toBe("one\nx\n5\n");
});

test("the broker does for a user no more than the user could: files of root in his workspace stay as they are", async () => {
  using arena = new Arena(NOBODY);
  const roots = join(arena.workspace, "of-root");
  writeFileSync(roots, "root\n", { mode: 0o600 });
  const run = await confined(arena, [
    "sh",
    "-c",
    "cat of-root; echo x > of-root; chmod 666 of-root; chown 65534 of-root; exit 0",
  ]);
  expect(run.stdout).toBe("");
  expect(readFileSync(roots, "utf8")).toBe("root\n");
  expect(statSync(roots).mode & 0o777).toBe(0o600);
});

test("root that runs as another user lends him nothing", async () => {
  using arena = new Arena();
  execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, arena.workspace]);
  const roots = join(arena.workspace, "of-root");
  writeFileSync(roots, "root\n", { mode: 0o600 });
  const script =
    "id -u; id -G; cat of-root; echo x > of-root; chmod 666 of-root; echo y > mine; grep -E 'Cap(Eff|Prm|Bnd|Amb)' /proc/self/status; exit 0";
  const run = await confined(arena, ["sh", "-c", script], { flags: ["--user", "nobody"] });
  expect(run.exitCode, run.stderr).toBe(0);
  const [uid, groups, ...capabilities] = run.stdout.trimEnd().split("\n");
  expect([uid, groups]).toEqual([String(NOBODY), String(NOBODY)]);
  expect(capabilities.length).toBe(4);
  for (const line of capabilities) expect(line).toMatch(/\s0{16}$/);
  expect(readFileSync(roots, "utf8")).toBe("root\n");
  expect(statSync(roots).mode & 0o777).toBe(0o600);
  expect(statSync(join(arena.workspace, "mine")).uid).toBe(NOBODY);
});

test("plain root keeps its uid and loses every capability", async () => {
  using arena = new Arena();
  const other = join(arena.workspace, "of-nobody");
  writeFileSync(other, "nobody\n", { mode: 0o600 });
  execFileSync("chown", [`${NOBODY}:${NOBODY}`, other]);
  const script =
    "id -u; cat of-nobody; echo x > of-nobody; chown 1 own; grep CapEff /proc/self/status; exit 0";
  arena.put("workspace/own", "own\n");
  const run = await confined(arena, ["sh", "-c", script]);
  expect(run.stdout).toBe("0\nCapEff:\t0000000000000000\n");
  expect(readFileSync(other, "utf8")).toBe("nobody\n");
  expect(statSync(join(arena.workspace, "own")).uid).toBe(0);
});
