import type { StdioOptions } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { attack } from "../support/attack.ts";
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
