/** What an audit event costs: the hot path, the whole signed and group-committed pipeline, and the power-durable flush. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Journal, type JournalOptions } from "../../src/audit/journal.ts";
import { openLogKey } from "../../src/audit/key.ts";
import { intentLine, lineParts, outcomeLine } from "../../src/audit/lines.ts";
import { leafHash, nodeHash } from "../../src/audit/merkle.ts";
import { verifyRun } from "../../src/audit/verify.ts";
import { binding } from "../../src/platform/binding.ts";
import { median, type Row } from "../measure.ts";

const EVENTS = 200_000;
const EVENT = {
  pid: 4711,
  op: "open",
  path: "/home/ann/project/src/index.ts",
  rule: "workspace/fs.write",
  flags: 10,
  mode: 420,
};

type Backend = Pick<JournalOptions, "mapShared" | "appendRecords">;
const MAPPED: Backend = { mapShared: binding.mapShared, appendRecords: binding.appendRecords };

export async function run(): Promise<Row[]> {
  const scratch = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  try {
    const rows = [
      row("serialise one intent", serialiseUs(), "µs CPU", 1),
      row("hash of a leaf and of a node, and one copy: what any Merkle log pays", floorUs(), "µs CPU", 5),
    ];
    await pipeline(join(scratch, "warm"), MAPPED, EVENTS / 4);
    for (const [name, backend] of [
      ["mapped, hashed by the addon", MAPPED],
      ["write(2), hashed one by one", {}],
    ] as const) {
      const { hotUs, cpuUs, perSecond } = await pipeline(join(scratch, name), backend, EVENTS);
      rows.push(row(`append, serialised and hashed (${name})`, hotUs, "µs wall an event", 5));
      rows.push(row(`pipeline with heads and flush (${name})`, cpuUs, "µs CPU an event", 5));
      rows.push(row(`pipeline with heads and flush (${name})`, perSecond, "events/s", 100_000, "least"));
    }
    rows.push(...(await small(scratch)));
    return rows;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** One hash of a leaf, one of a node, one copy: what any Merkle log pays. */
function floorUs(): number {
  const line = intentLine(lineParts("r1", "agent", 1000), 5, 1, EVENT, "crash");
  const entry = Buffer.from(line);
  const target = Buffer.alloc(1024);
  const hash = leafHash(entry);
  return perEventUs(EVENTS, () => {
    target.write(line, 0, "utf8");
    nodeHash(leafHash(entry), hash);
  });
}

function serialiseUs(): number {
  const parts = lineParts("r1", "agent", 1000);
  let seq = 0;
  let sum = 0;
  const us = perEventUs(EVENTS, () => {
    // Asks for a character, so that the concatenation is not left undone.
    sum += intentLine(parts, seq++, 1_790_000_000_000, EVENT, "crash").charCodeAt(60);
  });
  if (sum === 0) throw new Error("Nothing was serialised");
  return us;
}

async function pipeline(
  state: string,
  backend: Backend,
  events: number,
): Promise<{ hotUs: number; cpuUs: number; perSecond: number }> {
  const key = openLogKey(state);
  const dir = join(state, "runs/r1/log");
  const journal = Journal.open({ dir, run: "r1", key, ...backend });
  const parts = lineParts("r1", "agent", 1000);
  const startCpu = process.cpuUsage();
  const startMs = performance.now();
  let hotMs = 0;
  while (journal.size < events) {
    const batchMs = performance.now();
    // As a broker: some requests for each turn of the event loop.
    for (let i = 0; i < 64; i++) {
      const now = Date.now();
      const intent = journal.append(intentLine(parts, journal.size, now, EVENT, "crash"));
      journal.append(outcomeLine(parts, journal.size, now, intent, "", 0));
    }
    hotMs += performance.now() - batchMs;
    await nextTurn();
  }
  await journal.flush();
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(startCpu);
  await journal.abandon();
  if (!verifyRun(dir, { vkey: key.vkey }).ok) throw new Error("The log is wrong");
  return {
    hotUs: (hotMs * 1000) / journal.size,
    cpuUs: (user + system) / journal.size,
    perSecond: (journal.size / wallMs) * 1000,
  };
}

/** Costs that are paid once a run or once a power-durable effect. */
async function small(scratch: string): Promise<Row[]> {
  const key = openLogKey(scratch);
  const parts = lineParts("r1", "agent", 1000);
  const opens: number[] = [];
  const flushes: number[] = [];
  for (let i = 0; i < 50; i++) {
    const start = performance.now();
    const journal = Journal.open({ dir: join(scratch, `runs/o${i}/log`), run: `o${i}`, key, ...MAPPED });
    journal.append(intentLine(parts, 0, 1, EVENT, "crash"));
    opens.push((performance.now() - start) * 1000);
    const flushStart = performance.now();
    await journal.flush();
    flushes.push((performance.now() - flushStart) * 1000);
    await journal.abandon();
  }
  return [
    row("open a journal and append its first record, median", median(opens), "µs", 300),
    row("append to power-durable signed head, median", median(flushes), "µs", 5000),
  ];
}

/** The best of five rounds: a floor that a neighbour raised would flatter us. */
function perEventUs(count: number, one: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 6; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < count / 5; i++) one();
    const { user, system } = process.cpuUsage(start);
    if (round > 0) best = Math.min(best, ((user + system) * 5) / count);
  }
  return best;
}

/** Against a bar that is absolute. */
const row = (name: string, value: number, unit: string, bar: number, sense: Row["sense"] = "most"): Row => ({
  name,
  unit,
  value,
  floor: null,
  ratio: null,
  bar,
  sense,
  noise: 0,
});
