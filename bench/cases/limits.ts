/** What the limits cost each request, and what ten thousand sessions of one broker hold in memory. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { runLimits } from "../../src/broker/limits.ts";
import { RunQuotas } from "../../src/broker/quotas.ts";
import { stormDisk } from "../../src/broker/storms/disk.ts";
import { Storms } from "../../src/broker/storms/storms.ts";
import { Breaker } from "../../src/limits/breaker.ts";
import { DEFAULT_RATES, type Rates } from "../../src/limits/buckets.ts";
import { consume } from "../../src/limits/gcra.ts";
import { Hierarchy } from "../../src/limits/hierarchy.ts";
import { DEFAULT_STORMS } from "../../src/limits/storms.ts";
import { linux } from "../../src/platform/linux.ts";
import { compilePolicy, decidePath, type Policy, type Rule } from "../../src/policy/decide.ts";
import { RIGHT } from "../../src/policy/rights.ts";
import { median, type Row, spread } from "../measure.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const BATCHES = 41;
const OPERATIONS = 200_000;
const SESSIONS = 10_000;
const RULES = 100_000;

export async function run(): Promise<Row[]> {
  const rows = [gcra(), breaker(), sample()];
  return [...rows, sessions()];
}

/** Process CPU time of one operation, in `unit` of which a microsecond has `factor`; median of batches. */
function timed(
  name: string,
  bar: number,
  operations: number,
  act: (at: number) => void,
  unit = "ns",
  factor = 1000,
): Row {
  const samples: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const before = process.cpuUsage();
    for (let at = 0; at < operations; at++) act(at);
    const { user, system } = process.cpuUsage(before);
    samples.push(((user + system) / operations) * factor);
  }
  const noise = spread(samples);
  return { name, unit, value: median(samples), floor: null, ratio: null, bar, sense: "most", noise };
}

/** The clock is given: one reading serves a batch of frames. */
function gcra(): Row {
  const rates: Rates = { ...DEFAULT_RATES, read: { perSecond: 1e8, burst: 1e9 } };
  const tier = { capacity: 10, rates };
  const hierarchy = new Hierarchy({ host: tier, user: tier, run: tier });
  const held = hierarchy.hold({ host: "h", user: "u", run: "r" }, 0);
  if ("kind" in held) throw new Error(held.level);
  const levels = held.levels.read;
  let nowNs = 0;
  let waits = 0;
  const row = timed("GCRA of three levels, clock given", 40, OPERATIONS, () => {
    nowNs += 50;
    if (consume(levels, 1, nowNs) > 0) waits++;
  });
  if (waits > 0) throw new Error("the bench was refused");
  return row;
}

function breaker(): Row {
  const one = new Breaker("errors", DEFAULT_STORMS.errors);
  let nowMs = 0;
  return timed("breaker, one count, clock given", 40, OPERATIONS, (at) => {
    if (at % 16 === 0) nowMs++;
    one.good(nowMs);
  });
}

/** What the first 128 old files of a storm cost each: a look, an open, 4 KiB read, their entropy. */
function sample(): Row {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  const files = Array.from({ length: 64 }, (_, at) => join(directory, `f${at}`));
  for (const file of files) writeFileSync(file, randomBytes(8192));
  const disk = stormDisk(linux, Date.now() + 1000);
  let encrypted = 0;
  const row = timed(
    "sample of a file that may be lost",
    60,
    2000,
    (at) => {
      const file = files[at % files.length]!;
      if (disk.standing(file) === "old" && disk.looks(file) === "encrypted") encrypted++;
    },
    "µs",
    1,
  );
  rmSync(directory, { recursive: true, force: true });
  if (encrypted === 0) throw new Error("nothing was sampled");
  return row;
}

/** Ten thousand runs as a service would hold them: one policy of 100 000 rules, and limits, quotas and breakers for each. */
function sessions(): Row {
  const rules: Rule[] = Array.from({ length: RULES }, (_, at) => ({
    id: `r${at}`,
    effect: "allow",
    rights: RIGHT.read,
    pattern: `/mnt/allowed/tenant${at % 100}/proj${Math.floor(at / 100)}/**`,
    reason: "bench",
  }));
  const policy = compilePolicy("bench", rules, 0x5a11);
  const before = heldBytes();
  const open = Array.from({ length: SESSIONS }, (_, at) => session(policy, at));
  for (const one of open) one.limits.take({ op: "list", path: "/mnt/allowed/tenant1/proj1/x" });
  const each = (heldBytes() - before) / SESSIONS / 1024;
  if (decidePath(open[0]!.policy, "/mnt/allowed/tenant1/proj1/x", RIGHT.read).kind !== "allow")
    throw new Error("the policy does not hold");
  const name = "memory of one of 10000 sessions with 100000 shared rules";
  return { name, unit: "KB", value: each, floor: null, ratio: null, bar: 64, sense: "most", noise: 0 };
}

function session(policy: Policy, at: number) {
  const quotas = { files: 100, deletes: 100, bytesRead: 1e9 };
  const parts = { platform: linux, stop: () => {} };
  return {
    policy,
    limits: runLimits({ limits: {} }, `user${at % 1000}`),
    quotas: new RunQuotas({ limits: quotas, ...parts }),
    storms: new Storms({
      settings: DEFAULT_STORMS,
      disk: stormDisk(linux, 0),
      now: () => 0,
      mayWrite: () => false,
      open: () => {},
    }),
  };
}

function heldBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
