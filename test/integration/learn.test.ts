import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";

/** Reads, makes, replaces and takes away outside the workspace, and runs two programs there. */
const SCRIPT = `
cat ../data/in/* > all
mkdir ../data/out
for i in 1 2 3; do echo $i > ../data/out/o$i; done
t=$(mktemp ../data/tmp.XXXXXXXX); echo x > $t; mv -f $t ../data/out/final
d=$(mktemp -d ../data/dir.XXXXXXXXXX); echo y > $d/a; rm -r $d
../tools/script hello
../tools/program hi
cat ../data/absent 2>/dev/null
rm -r ../data/out
`;

function scene(owner?: number): Arena {
  const arena = new Arena(owner);
  for (const name of ["a", "b", "c", "d", "e"]) arena.put(`data/in/${name}`, `${name}\n`);
  arena.put("tools/script", "#!/bin/bash\necho script $1\n", 0o755);
  arena.put("tools/program", readFileSync("/bin/echo"), 0o755);
  arena.put("workspace/go.sh", SCRIPT);
  return arena;
}

const learn = (arena: Arena, args: readonly string[]) =>
  sallyport(arena, ["learn", "--state", arena.state, ...args]);

for (const owner of [undefined, NOBODY]) {
  const who = owner === undefined ? "the user of the test" : "an unprivileged user";
  test(`a program that was learned from runs under what was learned, as ${who}`, async (context) => {
    const obstacle = owner === undefined ? "" : unprivilegedObstacle();
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
    using arena = scene(owner);
    const before = await confined(arena, ["bash", "go.sh"]);
    expect(before.report?.denials).toBeGreaterThan(4);

    const learned = await learn(arena, ["--", "bash", "go.sh"]);
    expect(learned.stdout, learned.stderr).toBe("script hello\nhi\n");
    expect(learned.exitCode).toBe(0);
    expect(learned.stderr).toMatch(/^sallyport: LEARNING, which is weaker than running/);
    expect(learned.stderr).toMatch(/\+ execute .*\/tools\/program/);
    expect(learned.stderr).toMatch(/! changes outside the workspace: .*\/data\/tmp\.\*/);
    const file = join(arena.state, "profiles/learned.yaml");
    expect((await sallyport(arena, ["profile", "validate", file])).stdout).toMatch(/a valid profile/);

    const after = await confined(arena, ["bash", "go.sh"], { profile: "learned" });
    expect(after.stderr).not.toMatch(/denied/);
    expect(after.report?.denials).toBe(0);
    expect(after.stdout).toBe("script hello\nhi\n");
    // What it was not seen to need it still has not.
    const more = await confined(
      arena,
      ["bash", "-c", "cat ../outside/secret; echo x > ../data/in/a; echo x > ../data/new"],
      { profile: "learned" },
    );
    expect(more.report?.denied.map(({ rule }) => rule)).toEqual([
      "default-deny",
      "default-deny",
      "default-deny",
    ]);
  });
}

test("a run that is learned from says so on record, with every program and every grant", async () => {
  using arena = scene();
  const learned = await learn(arena, ["--", "bash", "go.sh"]);
  const run = /run ([0-9a-f]{12})/.exec(learned.stderr)?.[1] ?? "";
  const shown = await sallyport(arena, ["audit", "show", run, "--json", "--state", arena.state]);
  const records = shown.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(records[0]).toMatchObject({
    kind: "run.start",
    extra: { observe: "what no rule denies is granted" },
  });
  expect(records.filter((one) => one.kind === "note").map((one) => one.extra.executed)).toEqual(
    expect.arrayContaining([join(arena.root, "tools/script"), join(arena.root, "tools/program")]),
  );
  const grants = records
    .filter((one) => one.kind === "intent" && one.rule === "learned")
    .map((one) => one.path);
  expect(grants).toEqual(
    expect.arrayContaining([join(arena.root, "data/in/a"), join(arena.root, "data/out")]),
  );
  expect(grants.some((path) => path.startsWith(`${arena.workspace}/`))).toBe(false);
  expect((await sallyport(arena, ["audit", "verify", run, "--state", arena.state])).exitCode).toBe(0);
});

test("the log of a refused run teaches what it was refused, and what a rule denies it teaches to nobody", async () => {
  using arena = scene();
  arena.put("workspace/.env", "TOKEN=1\n");
  const script = "cat ../data/in/a; cat .env; cat ../data/in/b; echo x > .git/hooks/pre-commit; true";
  const refused = await confined(arena, ["bash", "-c", `mkdir -p .git/hooks; ${script}`]);
  expect(refused.report?.denials).toBe(4);
  const learned = await learn(arena, ["--from", refused.report?.run ?? "", "-o", join(arena.home, "p.yaml")]);
  expect(learned.exitCode, learned.stderr).toBe(0);
  expect(learned.stderr).toMatch(/stayed denied: open .*\.env \(rule secrets\.files\)/);
  expect(learned.stderr).toMatch(/stayed denied: open .*pre-commit \(rule protected\.git-hooks\)/);
  const after = await confined(arena, ["bash", "-c", script], { profile: join(arena.home, "p.yaml") });
  expect(after.stdout).toBe("a\nb\n");
  expect(after.report?.denied.map(({ rule }) => rule).toSorted()).toEqual([
    "protected.git-hooks",
    "secrets.files",
  ]);
});

test("a learned profile can itself be the base", async () => {
  using arena = scene();
  await learn(arena, ["--", "cat", "../data/in/a"]);
  await learn(arena, ["-p", "learned", "--name", "second", "--", "cat", "../data/in/b"]);
  const both = await confined(arena, ["cat", "../data/in/a", "../data/in/b"], { profile: "second" });
  expect(both.stdout, both.stderr).toBe("a\nb\n");
  const first = await confined(arena, ["cat", "../data/in/b"], { profile: "learned" });
  expect(first.report?.denials).toBe(1);
});

test("a profile of the workspace can neither be changed by its run nor stand in for a saved one", async () => {
  using arena = scene();
  expect((await learn(arena, ["-o", "mine.yaml", "--", "cat", "../data/in/a"])).exitCode).toBe(0);
  const text = readFileSync(join(arena.workspace, "mine.yaml"), "utf8");
  const script =
    "echo x >> mine.yaml; rm mine.yaml; mv mine.yaml y; touch other; mv other mine.yaml; ln mine.yaml z; echo x >> z";
  const run = await confined(arena, ["bash", "-c", script], { profile: "mine.yaml" });
  expect(run.report?.denied.map(({ rule }) => rule)).toContain("protected.profile");
  expect(readFileSync(join(arena.workspace, "mine.yaml"), "utf8")).toBe(text);
  expect(statSync(join(arena.workspace, "mine.yaml")).nlink).toBe(1);
  await learn(arena, ["--", "true"]);
  writeFileSync(join(arena.workspace, "learned"), text);
  const chosen = await confined(arena, ["cat", "../data/in/a"], { profile: "learned" });
  expect(chosen.report?.denials).toBe(1);
});

test("learning needs exactly one of a command and a run, and writes over no file", async () => {
  using arena = scene();
  for (const args of [
    [],
    ["--from", "0123456789ab", "--", "true"],
    ["--from", "0123456789ab"],
    ["--name", "../x", "--", "true"],
  ]) {
    const refused = await learn(arena, args);
    expect(refused.exitCode, args.join(" ")).toBe(125);
    expect(refused.stderr).toMatch(/^sallyport: Cannot /);
  }
  const taken = arena.put("workspace/taken.yaml", "mine\n");
  const refused = await learn(arena, ["-o", "taken.yaml", "--", "touch", "ran"]);
  expect(refused.exitCode).toBe(125);
  expect(readFileSync(taken, "utf8")).toBe("mine\n");
  expect(existsSync(join(arena.workspace, "ran"))).toBe(false);
  // A program can not lead the profile elsewhere while it is being learned from.
  const led = await learn(arena, ["-o", "led.yaml", "--", "ln", "-s", "../outside/led", "led.yaml"]);
  expect(led.exitCode).toBe(125);
  expect(existsSync(join(arena.outside, "led"))).toBe(false);
  expect(statSync(arena.outside).isDirectory()).toBe(true);
});
