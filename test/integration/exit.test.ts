import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { survivors } from "../support/attack.ts";
import { confined, runCommand, sallyport } from "../support/confined.ts";
import { execute, type Finished } from "../support/process.ts";

const shell = (script: string): readonly string[] => ["sh", "-c", script];

test.each([
  ["its exit code", "exit 7", 7],
  ["success", "true", 0],
  ["255", "exit 255", 255],
  ["the end by SIGTERM", "kill -TERM $$", 143],
  ["the end by SIGKILL", "kill -KILL $$", 137],
  ["the end by SIGSEGV", "kill -SEGV $$", 139],
])("the program's end is ours: %s", async (_, script, exitCode) => {
  using arena = new Arena();
  const run = await confined(arena, shell(script));
  expect(run.exitCode, run.stderr).toBe(exitCode);
  expect(run.report?.exitCode).toBe(exitCode);
});

test("a program that does not exist ends with 127 and says so", async () => {
  using arena = new Arena();
  for (const name of ["no-such-program", "./no-such-program", "/no/such/program"]) {
    const run = await confined(arena, [name]);
    expect(run.exitCode, run.stderr).toBe(127);
    expect(run.stderr).toMatch(/^sallyport: Cannot run ".*no-such-program|\/no\/such\/program"/m);
  }
});

test("a file that is not executable, or a directory, ends with 126", async () => {
  using arena = new Arena();
  arena.put("workspace/plain", "#!/bin/sh\n");
  arena.put("workspace/directory/file", "");
  arena.put("workspace/noise", "\u0001\u0002not a program", 0o755);
  for (const name of ["./plain", "./directory", "./noise"]) {
    const run = await confined(arena, [name]);
    expect(run.exitCode, `${name}: ${run.stderr}`).toBe(126);
  }
});

test.each([
  ["an unknown profile", ["run", "-p", ":no-such", "--", "true"]],
  ["an unknown option", ["run", "--no-such", "--", "true"]],
  ["no command", ["run", "--"]],
  ["a time without unit", ["run", "--timeout", "5", "--", "true"]],
  ["a profile that is no YAML", ["run", "-p", "./broken.yaml", "--", "true"]],
  ["a user that does not exist", ["run", "--user", "no-such-user", "--", "true"]],
])("what cannot be set up ends with 125 and one line: %s", async (_, args) => {
  using arena = new Arena();
  arena.put("workspace/broken.yaml", "{{{");
  const run = await sallyport(arena, [...args.slice(0, 1), "--state", arena.state, ...args.slice(1)]);
  expect(run.exitCode, run.stderr).toBe(125);
  expect(run.stdout).toBe("");
  expect(run.stderr).not.toMatch(/^\s+at /m);
  expect(run.stderr).not.toBe("");
});

test("--timeout ends the run with 124, and every process in it", async () => {
  using arena = new Arena();
  const run = await confined(arena, shell("sleep 1000 & setsid sleep 1000 & trap '' TERM; sleep 1000"), {
    flags: ["--timeout", "700ms"],
  });
  expect(run.exitCode, run.stderr).toBe(124);
  expect(run.stderr).toContain("timed out");
  expect(survivors(arena)).toEqual([]);
});

test.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const)(
  "%s is passed on to the program",
  async (signal) => {
    using arena = new Arena();
    const name = signal.slice(3);
    const script = `trap 'echo caught; exit 42' ${name}; echo ready; while :; do sleep 0.05; done`;
    const run = await confined(arena, shell(script), {
      started: (child) => child.stdout?.once("data", () => child.kill(signal)),
    });
    expect(run.stdout, run.stderr).toBe("ready\ncaught\n");
    expect(run.exitCode).toBe(42);
  },
);

test("a program that a passed signal ends makes us end with 128 and its number", async () => {
  using arena = new Arena();
  const run = await confined(arena, shell("echo ready; exec sleep 1000"), {
    started: (child) => child.stdout?.once("data", () => child.kill("SIGTERM")),
  });
  expect(run.exitCode, run.stderr).toBe(143);
});

test("input arrives whole, and its end too", async () => {
  using arena = new Arena();
  const input = Buffer.alloc(5_000_000, "0123456789\n");
  arena.put("workspace/input", input);
  const sum = `${createHash("sha256").update(input).digest("hex")}  -\n`;
  const direct = await confined(arena, ["sha256sum"], { input });
  expect(direct.stdout, direct.stderr).toBe(sum);
  // Node's pipes are sockets; a shell's are pipes, and both ends share what one of them is set to.
  const piped = await throughShell(arena, "{ sleep 0.3; cat input; }", ["sha256sum"], "");
  expect(piped.stdout, piped.stderr).toBe(sum);
});

test("a slow reader of both streams gets all that the program wrote to them", async () => {
  using arena = new Arena();
  const command = shell(
    "head -c 2000000 /dev/zero | tr '\\0' x; head -c 2000000 /dev/zero | tr '\\0' y >&2; echo $? $?",
  );
  const both = await throughShell(arena, "true", command, "2>&1 | { sleep 0.5; tr -cd xy | wc -c; }");
  expect(Number(both.stdout)).toBeGreaterThanOrEqual(4_000_000);
  const errors = await throughShell(
    arena,
    "true",
    command,
    "2>&1 > /dev/null | { sleep 0.5; tr -cd y | wc -c; }",
  );
  expect(Number(errors.stdout)).toBeGreaterThanOrEqual(2_000_000);
});

test("a reader of our words that goes away does not change how the run ends", async () => {
  using arena = new Arena();
  const words = runCommand(arena, shell("sleep 0.3; exit 5")).map((word) => `'${word}'`);
  for (const reader of ["2>&1 | head -1", "2>&1 | true"]) {
    const script = `${words.join(" ")} ${reader}; echo "code \${PIPESTATUS[0]}"`;
    const run = await execute(["bash", "-c", script], { cwd: arena.workspace });
    expect(run.stdout).toContain("code 5");
  }
  const closed = await execute(["bash", "-c", `${words.join(" ")} 2>&-; echo "code $?"`], {
    cwd: arena.workspace,
  });
  expect(closed.stdout).toContain("code 5");
});

/** A run in the middle of a shell's pipeline: `before | run after`. */
function throughShell(
  arena: Arena,
  before: string,
  command: readonly string[],
  after: string,
): Promise<Finished> {
  const words = runCommand(arena, command).map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return execute(["sh", "-c", `${before} | ${words.join(" ")} ${after}`], { cwd: arena.workspace });
}

test("output is the program's alone, to the byte; ours goes to the error stream", async () => {
  using arena = new Arena();
  const run = await confined(arena, shell("head -c 20000000 /dev/zero | tr '\\0' x; echo mine >&2"));
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.stdout.length).toBe(20_000_000);
  expect(/^x+$/.test(run.stdout)).toBe(true);
  const lines = run.stderr.trimEnd().split("\n");
  expect(lines.filter((line) => !line.startsWith("sallyport: "))).toEqual(["mine"]);
  expect(lines[0]).toMatch(/^sallyport: :workspace · .* · run [0-9a-f]+$/);
  expect(lines.at(-1)).toMatch(/^sallyport: run [0-9a-f]+ ended: .* · audit head \d+ \S+$/);
});

test("--json puts one line of JSON at the end of the error stream and nothing else of ours", async () => {
  using arena = new Arena();
  const run = await sallyport(arena, [
    "run",
    "--json",
    "--state",
    arena.state,
    "--",
    "sh",
    "-c",
    "echo out; exit 3",
  ]);
  expect(run.exitCode).toBe(3);
  expect(run.stdout).toBe("out\n");
  const lines = run.stderr.trimEnd().split("\n");
  expect(lines.length).toBe(1);
  const report = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  expect(report).toMatchObject({ exitCode: 3, denials: 0, denied: [], changedFiles: [] });
  expect(report["auditHead"]).toMatchObject({ size: expect.any(Number), root: expect.any(String) });
});

test("the environment inside holds what the profile names and nothing else", async () => {
  using arena = new Arena();
  const run = await confined(arena, ["env"], {
    env: {
      SECRET_TOKEN: "hidden",
      AWS_SECRET_ACCESS_KEY: "hidden",
      LD_PRELOAD: "",
      NODE_OPTIONS: "",
      LC_ALL: "C",
    },
  });
  expect(run.stdout).not.toContain("hidden");
  const names = run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split("=")[0]);
  expect(names).toContain("LC_ALL");
  expect(names).toContain("TMPDIR");
  expect(names).not.toContain("LD_PRELOAD");
  expect(names).not.toContain("NODE_OPTIONS");
});
