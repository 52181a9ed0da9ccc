import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { survivors } from "../support/attack.ts";
import { confined, runCommand } from "../support/confined.ts";
import { placeVictim, runVictim } from "../support/hostile.ts";

/** Starts a run, and gives it with the first line that its program prints. */
async function started(arena: Arena, command: readonly string[]): Promise<[ChildProcess, string]> {
  const [program = "", ...args] = runCommand(arena, command);
  const child = spawn(program, args, { cwd: arena.workspace, stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return [child, line];
}

/** Polls the kernel, which tells nobody but parents of an end. */
async function vanished(pids: () => readonly number[]): Promise<boolean> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    if (pids().length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH
    return false;
  }
}

async function stillGrows(file: string): Promise<boolean> {
  const { size } = statSync(file);
  await new Promise((resolve) => setTimeout(resolve, 100));
  return statSync(file).size > size;
}

test.each(["SIGKILL", "SIGSEGV"] as const)(
  "the broker ended by %s leaves no process of the run, not even a daemon",
  async (signal) => {
    using arena = new Arena();
    const held = join(arena.workspace, "held");
    const [broker, line] = await started(arena, [placeVictim(arena, "daemon"), held]);
    const daemon = Number(line);
    expect(exists(daemon)).toBe(true);
    expect(await stillGrows(held)).toBe(true);
    broker.kill(signal);
    expect(await vanished(() => [daemon].filter(exists)), "the daemon is alive").toBe(true);
    expect(await vanished(() => survivors(arena)), "a process of the run is alive").toBe(true);
    expect(await stillGrows(held)).toBe(false);
  },
);

test("a program that ends leaves no daemon behind", async () => {
  using arena = new Arena();
  const held = join(arena.workspace, "held");
  const run = await runVictim(arena, "daemon", [held, "leave"]);
  expect(run.exitCode, run.stderr).toBe(0);
  expect(exists(Number(run.stdout))).toBe(false);
  expect(survivors(arena)).toEqual([]);
  expect(await stillGrows(held)).toBe(false);
});

test("what ends late has its output delivered before we end", async () => {
  using arena = new Arena();
  const run = await confined(arena, [
    "sh",
    "-c",
    "(trap 'echo late; exit' TERM; echo up; while :; do sleep 0.05; done) & read x < /dev/null; sleep 0.3",
  ]);
  expect(run.stdout).toBe("up\nlate\n");
});

test("a broker that is stopped and goes on has lost nothing", async () => {
  using arena = new Arena();
  const script = "echo ready; for i in $(seq 200); do echo $i > f$i || exit 9; done; ls f* | wc -l";
  const run = await confined(arena, ["sh", "-c", script], {
    started: (child) =>
      child.stdout?.once("data", () => {
        child.kill("SIGSTOP");
        setTimeout(() => child.kill("SIGCONT"), 300);
      }),
  });
  expect(run.stdout, run.stderr).toBe("ready\n200\n");
});
