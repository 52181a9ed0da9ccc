import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined, SALLYPORT, sallyport } from "../support/confined.ts";
import { execute } from "../support/process.ts";

async function refusedIn(directory: string, state: string): Promise<string> {
  const run = await execute([...SALLYPORT, "run", "--state", state, "--", "touch", "ran"], {
    cwd: directory,
  });
  expect(run.exitCode, run.stderr).toBe(125);
  expect(run.stdout).toBe("");
  expect(existsSync(join(directory, "ran"))).toBe(false);
  expect(run.stderr.trimEnd().split("\n").length).toBe(1);
  return run.stderr;
}

test("a workspace that is the root of the file system is refused", async () => {
  using arena = new Arena();
  expect(await refusedIn("/", arena.state)).toMatch(/^sallyport: Cannot use "\/" as workspace: .*root/);
});

test("a workspace that is a home, or holds one, is refused", async () => {
  using arena = new Arena();
  expect(await refusedIn(userInfo().homedir, arena.state)).toMatch(
    /^sallyport: Cannot use ".*" as workspace: .*home/,
  );
  symlinkSync(userInfo().homedir, join(arena.workspace, "link"));
  expect(await refusedIn(join(arena.workspace, "link"), arena.state)).toMatch(/home/);
});

test("a workspace that holds our state, or lies in it, is refused", async () => {
  using arena = new Arena();
  const inner = join(arena.workspace, "state");
  mkdirSync(inner, { mode: 0o700 });
  expect(await refusedIn(arena.workspace, inner)).toMatch(/^sallyport: Cannot use .*state/);
  const below = join(arena.state, "below");
  mkdirSync(below);
  expect(await refusedIn(below, arena.state)).toMatch(/^sallyport: Cannot use .*state/);
  symlinkSync(inner, join(arena.root, "alias"));
  expect(await refusedIn(arena.workspace, join(arena.root, "alias"))).toMatch(/state/);
});

test("a state directory that others may enter is refused", async () => {
  using arena = new Arena();
  const open = join(arena.root, "open");
  mkdirSync(open, { mode: 0o755 });
  expect(await refusedIn(arena.workspace, open)).toMatch(/chmod 700/);
});

test("--state keeps everything of ours in one place, for the owner only", async () => {
  using arena = new Arena();
  const run = await confined(arena, ["true"]);
  expect(existsSync(join(arena.state, "runs", run.report?.run ?? ""))).toBe(true);
  expect(statSync(arena.state).mode & 0o77).toBe(0);
});

test("--write on our own state does not open it", async () => {
  using arena = new Arena();
  const before = await confined(arena, ["true"]);
  const log = join(arena.state, "runs", before.report?.run ?? "");
  for (const flag of ["--write", "--read"]) {
    const run = await confined(
      arena,
      ["sh", "-c", `ls ${log}; cat ${arena.state}/*key*; touch ${log}/x; mv ${log} x`],
      {
        flags: [flag, arena.root],
      },
    );
    expect(run.exitCode, run.stderr).not.toBe(0);
    expect(run.stdout, run.stderr).toBe("");
  }
  expect(existsSync(join(log, "x"))).toBe(false);
});

test("the report goes to the file that was named, not to where the program leads its name", async () => {
  using arena = new Arena();
  const target = join(arena.outside, "file");
  for (const act of ["ln -s", "ln -sf", "rm -f report.json; ln -s"]) {
    const script = `${act} ${target} report.json`;
    const flags = ["--state", arena.state, "--json=report.json"];
    await sallyport(arena, ["run", ...flags, "--", "sh", "-c", script]);
    expect(readFileSync(target, "utf8")).toBe("file outside\n");
    rmSync(join(arena.workspace, "report.json"), { force: true });
  }
});

test("audit verify accepts a log as it was written, and locates one changed byte or a cut tail", async () => {
  using arena = new Arena();
  const run = await confined(arena, ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo $i > f$i; done"]);
  const id = run.report?.run ?? "";
  const verify = (...more: string[]) =>
    sallyport(arena, ["audit", "verify", id, ...more, "--state", arena.state]);
  const whole = await verify();
  expect(whole.exitCode, whole.stdout + whole.stderr).toBe(0);
  expect(whole.stdout).toContain(run.report?.auditHead.root);
  const entries = filesBelow(join(arena.state, "runs", id)).filter((file) => /entries/.test(file));
  expect(entries.length).toBeGreaterThan(0);
  for (const file of entries) {
    const bytes = readFileSync(file);
    const broken = Buffer.from(bytes);
    broken[broken.length >> 1] = broken[broken.length >> 1]! ^ 1;
    writeFileSync(file, broken);
    const said = await verify();
    expect(said.exitCode, file).toBe(1);
    expect(said.stdout).toMatch(/NOT WHOLE/);
    writeFileSync(file, bytes.subarray(0, -10));
    expect((await verify()).exitCode, file).toBe(1);
    writeFileSync(file, bytes);
  }
  expect((await verify()).exitCode).toBe(0);
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
