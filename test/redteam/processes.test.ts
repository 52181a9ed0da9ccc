import { type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { attack } from "../support/attack.ts";
import { recordsOf, runCommand } from "../support/confined.ts";
import { REFUSED, runPlain, runVictim, SUCCEEDED } from "../support/hostile.ts";
import { neighbour } from "../support/scenes.ts";

attack({
  name: "a neighbour taken hold of with ptrace(2)",
  victim: "ptrace_neighbour",
  scene: () => neighbour((pid) => [pid]),
  layer: "broker",
  rule: /^process\.ptrace$/,
  control: "succeeds",
});

attack({
  name: "a neighbour's memory",
  victim: "process_memory",
  scene: () => neighbour((pid, address) => [pid, address]),
  layer: "broker",
  rule: /^process\.memory$/,
  control: "succeeds",
});

attack({
  name: "a neighbour's descriptor",
  victim: "pidfd_getfd",
  scene: () => neighbour((pid) => [pid]),
  layer: "broker",
  rule: /^process\.descriptors$/,
  control: "succeeds",
});

for (const signal of ["0", "9", "10", "19"]) {
  attack({
    name: `signal ${signal} to a neighbour`,
    victim: "signal_outside",
    scene: () => neighbour((pid) => [pid, signal]),
    layer: "landlock",
    control: "succeeds",
  });

  attack({
    name: `signal ${signal} to the launcher`,
    victim: "signal_outside",
    args: ["0", signal],
    layer: "landlock",
    control: { impossible: "the parent of the control is this test" },
  });
}

attack({
  name: "a neighbour's limits, priority and processors",
  victim: "starve_outside",
  scene: () => neighbour((pid) => [pid]),
  layer: "broker",
  rule: /^process\./,
  control: "succeeds",
});

test("the broker's pid told to the program: signals of every kind leave the broker as it was", async () => {
  using arena = new Arena();
  for (const signal of ["0", "9", "10", "15", "19"]) {
    let broker = 0;
    const told = arena.put("workspace/pid", "");
    const run = await runVictim(arena, "signal_outside", ["file:pid", signal], {
      started: (child) => {
        broker = child.pid ?? 0;
        arena.put("workspace/pid", String(broker));
      },
    });
    expect(readFileSync(told, "utf8")).toBe(String(broker));
    expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
    expect(run.report?.exitCode).toBe(REFUSED);
  }
});

test("descriptors that the broker has or was started with do not reach the program", async () => {
  using arena = new Arena();
  const stdio: StdioOptions = ["ignore", "pipe", "pipe", "inherit", "pipe", 1, "pipe"];
  const plain = await runPlain(arena, "fd_leak", [], { stdio });
  expect(plain.exitCode, plain.stdout).toBe(SUCCEEDED);
  const run = await runVictim(arena, "fd_leak", [], { stdio });
  expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
});

/** Starts it, sends SIGUSR1 when it has said `ready`, and gives what it said on its error stream. */
async function signalled(command: readonly string[], cwd: string): Promise<string> {
  const child = spawn(command[0]!, command.slice(1), { cwd, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await once(child.stdout, "data");
  child.kill("SIGUSR1");
  await new Promise((resolve) => setTimeout(resolve, 700));
  child.stdin.end();
  await once(child, "close");
  return said;
}

test("SIGUSR1 to the broker does not start its inspector, is on record, and reaches the program", async () => {
  using arena = new Arena();
  const control = `process.stdin.resume(); console.log("ready")`;
  const inspector = /Debugger listening|Starting inspector/;
  expect(await signalled([process.execPath, "-e", control], arena.workspace)).toMatch(inspector);
  const program = `trap "echo got it >&2" USR1; echo ready; while ! read -r line; do [ $? -gt 128 ] || break; done`;
  const said = await signalled(runCommand(arena, ["bash", "-c", program]), arena.workspace);
  expect(said).not.toMatch(inspector);
  expect(said).toContain("got it");
  const report = JSON.parse(readFileSync(join(arena.home, "report.json"), "utf8")) as { run: string };
  const records = await recordsOf(arena, report.run);
  expect(records).toContainEqual(
    expect.objectContaining({ kind: "note", extra: expect.objectContaining({ signal: "SIGUSR1" }) }),
  );
});

test("a broker with an open inspector starts no run", async () => {
  using arena = new Arena();
  const [node, ...rest] = runCommand(arena, ["true"]);
  const child = spawn(node!, ["--inspect=127.0.0.1:0", ...rest], { cwd: arena.workspace });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number];
  expect([code, said]).toEqual([125, expect.stringContaining("start without --inspect")]);
});
