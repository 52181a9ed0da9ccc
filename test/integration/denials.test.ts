import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined, sallyport } from "../support/confined.ts";

test("a denied act: the program sees EACCES, the person one line, the report the same as data", async () => {
  using arena = new Arena();
  const target = join(arena.outside, "file");
  const run = await confined(arena, ["sh", "-c", `echo x > ${target}; echo x > ${target}; exit 4`]);
  expect(run.exitCode).toBe(4);
  expect(run.stderr).toMatch(/Permission denied/);
  const lines = run.stderr.split("\n").filter((line) => line.startsWith("sallyport: denied:"));
  expect(lines.length).toBe(1);
  expect(lines[0]).toContain(`open ${target}`);
  expect(lines[0]).toContain("(rule default-deny)");
  expect(lines[0]).toContain(`sallyport run --write ${target}`);
  expect(lines[0]).toContain("2 times");
  expect(run.report?.denied).toEqual([
    {
      op: "open",
      path: target,
      rule: "default-deny",
      reason: expect.any(String),
      next_steps: [expect.stringContaining("--write")],
      layer: "profile",
      allowed_roots: expect.arrayContaining([arena.workspace]),
      retryable: false,
      retry_after_ms: null,
      count: 2,
    },
  ]);
  expect(run.report?.denials).toBe(2);
  expect(run.records.filter(({ kind }) => kind === "deny").length).toBe(2);
});

test("the next step that a denial names does allow the act", async () => {
  using arena = new Arena();
  const target = join(arena.outside, "file");
  const script = `echo changed > ${target}`;
  expect((await confined(arena, ["sh", "-c", script])).exitCode).not.toBe(0);
  const run = await confined(arena, ["sh", "-c", script], { flags: ["--write", target] });
  expect(run.exitCode, run.stderr).toBe(0);
  expect(readFileSync(target, "utf8")).toBe("changed\n");
  const secret = join(arena.outside, "secret");
  expect((await confined(arena, ["cat", secret])).exitCode).not.toBe(0);
  expect((await confined(arena, ["cat", secret], { flags: ["--read", secret] })).stdout).toBe(
    "secret outside\n",
  );
});

test("a path with control characters cannot rewrite the line that reports it", async () => {
  using arena = new Arena();
  const name = join(arena.outside, "a\u001b[2K\rsallyport: all is well\u202e");
  writeFileSync(name, "");
  const run = await confined(arena, ["sh", "-c", 'echo x > "$0"', name]);
  expect(
    run.stderr
      .split("\n")
      .filter((line) => line.startsWith("sallyport: denied:"))
      .join(""),
  ).not.toMatch(/[\u001b\r\u202e]/);
  expect(run.report?.denied[0]?.path).toBe(name);
});

test("a repository that was there keeps the programs it names, a new one is open, samples are free", async () => {
  using arena = new Arena();
  execFileSync("git", ["init", "-q", arena.workspace]);
  const before = readFileSync(join(arena.workspace, ".git/config"), "utf8");
  const script = [
    "git config core.pager evil; a=$?",
    "git config user.name Agent && git remote add origin https://example.org/x.git && git config branch.x.remote origin || a=0",
    "git init -q own && git -C own config user.name Agent; b=$?",
    "echo '#' > own/.git/hooks/pre-commit.sample; c=$?",
    "echo '#' > own/.git/hooks/pre-commit; d=$?",
    "echo '#' > .git/hooks/pre-commit; e=$?",
    "echo $a $b $c $d $e",
  ];
  const run = await confined(arena, ["bash", "-c", script.join("\n")]);
  expect(run.stdout).toMatch(/^[1-9]\d* 0 0 [12] [12]$/m);
  const more = '[user]\n\tname = Agent\n[remote "origin"]\n\turl = https://example.org/x.git\n';
  const fetch = "\tfetch = +refs/heads/*:refs/remotes/origin/*\n";
  expect(readFileSync(join(arena.workspace, ".git/config"), "utf8")).toBe(
    `${before}${more}${fetch}[branch "x"]\n\tremote = origin\n`,
  );
  expect(existsSync(join(arena.workspace, "own/.git/hooks/pre-commit"))).toBe(false);
  const rules = run.report?.denied.map(({ rule }) => rule) ?? [];
  expect(rules).toContain("protected.git-config");
  expect(rules).toContain("protected.git-hooks");
});

test("what the broker records is what happened: an intent for each effect, an outcome for each intent", async () => {
  using arena = new Arena();
  const run = await confined(arena, [
    "sh",
    "-c",
    "mkdir d; echo x > d/f; mv d/f d/g; chmod 600 d/g; rm d/g; rmdir d",
  ]);
  expect(run.exitCode, run.stderr).toBe(0);
  const intents = run.records.filter(({ kind }) => kind === "intent");
  const outcomes = new Set(run.records.filter(({ kind }) => kind === "outcome").map(({ intent }) => intent));
  for (const { seq } of intents) expect(outcomes).toContain(seq);
  const ops = intents.filter(({ path }) => path?.startsWith(join(arena.workspace, "d"))).map(({ op }) => op);
  expect(ops).toEqual(["mkdir", "open", "rename", "chmod", "unlink", "unlink"]);
  expect(run.records.map(({ seq }) => seq)).toEqual(run.records.map((_, at) => at));
  expect(run.records[0]?.kind).toBe("run.start");
  expect(run.records.at(-1)?.kind).toBe("run.end");
});

test.each<[string, string, string]>([
  ["write", "outside/file", 'echo x > "$0"'],
  ["write", "outside/new", 'echo x > "$0"'],
  ["read", "outside/secret", 'cat "$0"'],
  ["delete", "outside/file", 'unlink "$0"'],
  ["metadata", "outside/file", 'chmod 644 "$0"'],
  ["read", "workspace/.env", 'cat "$0"'],
  ["write", "workspace/.git/hooks/pre-commit", 'echo x > "$0"'],
  ["write", "workspace/.envrc", 'echo x > "$0"'],
])("why %s %s says what a run is told", async (op, name, script) => {
  using arena = new Arena();
  const path = name.replace(/^(\w+)/, (place) => arena[place as "outside" | "workspace"]);
  if (name === "workspace/.env") writeFileSync(path, "KEY=1\n");
  const run = await confined(arena, ["sh", "-c", script, path]);
  const asked = ["why", "--op", op, "--path", path, "--state", arena.state];
  const said = await sallyport(arena, [...asked, "--json"], { cwd: arena.workspace });
  expect(said.exitCode, said.stderr).toBe(1);
  const { verdict, profile, place, ...answer } = JSON.parse(said.stdout) as Record<string, unknown>;
  const told = run.report?.denied.map(({ count: _, ...denial }) => ({
    ...denial,
    allowed_roots: denial.allowed_roots.filter((root) => !/^\/tmp\/sallyport-\w{6}$/.test(root)),
  }));
  expect(told).toContainEqual(answer);
  expect([verdict, profile]).toEqual(["deny", ":workspace"]);
  if (answer["rule"] !== "default-deny") expect(place).toMatch(/\.yaml:\d+$/);
  // The line for a person is the same too.
  const plain = await sallyport(arena, asked, { cwd: arena.workspace });
  expect(run.stderr).toContain(`sallyport: ${plain.stdout.split("\n")[0]}`);
});

test("why says yes where a run may", async () => {
  using arena = new Arena();
  const path = join(arena.workspace, "x");
  const said = await sallyport(arena, ["why", "--op", "write", "--path", path, "--state", arena.state], {
    cwd: arena.workspace,
  });
  expect([said.exitCode, said.stdout]).toEqual([
    0,
    expect.stringMatching(/^allowed: open .*\(rule workspace/),
  ]);
});

test("what would fail anyway fails as without Sallyport: a directory that is there can not be made, a missing file not be found", async () => {
  using arena = new Arena();
  const script = `mkdir -p ${arena.outside} && mkdir ${arena.outside}; cat ${arena.outside}/none; mkdir ${arena.outside}/new`;
  const run = await confined(arena, ["sh", "-c", script]);
  expect(run.stderr).toMatch(/mkdir: .*File exists.*cat: .*No such file.*mkdir: .*Permission denied/s);
  expect(run.report?.denials).toBe(1);
});
