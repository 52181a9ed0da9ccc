import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { type Attack, attack } from "../support/attack.ts";
import { REFUSED, runPlain, runVictim } from "../support/hostile.ts";
import { appearance } from "../support/scenes.ts";

/** A program that must end inside as it ends outside: nothing may be refused, nothing may hang. */
function behaves(
  name: string,
  victim: string,
  args: readonly string[] = [],
  options: Attack["options"] = {},
): void {
  test(name, async () => {
    using outside = new Arena();
    const plain = await runPlain(outside, victim, args);
    expect(plain.exitCode, `the control says: ${plain.stdout}`).toBe(REFUSED);
    using arena = new Arena();
    const run = await runVictim(arena, victim, args, options);
    expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
    expect(run.report?.denials, run.stderr).toBe(0);
  });
}

behaves("opens succeed under a storm of signals that restart calls", "signal_storm", ["restart", "300"]);
behaves("opens succeed under a storm of signals that interrupt calls", "signal_storm", ["interrupt", "300"]);
behaves("an open that waits for the reader of a FIFO does not keep others waiting", "fifo");
behaves("four hundred callers that wait at once do not keep others waiting", "crowd", ["400"]);
behaves("a lease that is not given up does not keep others waiting", "lease");
behaves("running out of descriptors says so, and ends with it", "emfile");
behaves("eight processes that open at once are all served", "storm", ["8", "200"]);
behaves(
  "callers that are killed or stopped while they are served leave the broker whole",
  "kill_while_pending",
  ["150"],
);
behaves("paths at the edges of what a path can be come out as outside", "odd_paths");

test("a path that is no UTF-8 does not become another file", async () => {
  using arena = new Arena();
  const run = await runVictim(arena, "raw_bytes", []);
  expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
  const names = readdirSync(arena.workspace, { encoding: "buffer" }).map((name) => name.toString("latin1"));
  expect(names.filter((name) => name !== "raw_bytes" && name !== "raw-\xff\xfe-\xc3")).toEqual([]);
});

attack({
  name: "more channels than a run may have",
  victim: "exhaust_channels",
  args: ["2500"],
  layer: "filter",
  control: { impossible: "outside there is no broker" },
});

test("descriptors that the broker did not ask for are closed", async () => {
  using arena = new Arena();
  let broker = 0;
  let before = 0;
  let after = 0;
  const counted = appearance(arena.workspace, "sent").then(() => {
    after = descriptorsOf(broker);
    arena.put("workspace/go", "");
  });
  const run = await runVictim(arena, "send_descriptors", ["600"], {
    started: (child) => {
      broker = child.pid ?? 0;
      void appearance(arena.workspace, "started").then(() => {
        before = descriptorsOf(broker);
      });
    },
  });
  await counted;
  expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
  expect(before).toBeGreaterThan(0);
  expect(after - before, "descriptors that stayed open in the broker").toBeLessThan(10);
});

function descriptorsOf(pid: number): number {
  return readdirSync(join("/proc", String(pid), "fd")).length;
}
