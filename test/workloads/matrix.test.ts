/**
 * Whole programs under `:workspace`, beside themselves without it. `SALLYPORT_DOCS=write` measures in more rounds and writes the
 * table of docs/workloads.md.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { median } from "../../bench/measure.ts";
import { Arena } from "../support/arena.ts";
import { removeAgents } from "./agents.ts";
import { MODES, type Mode, once, type Round, ratio, startUpCpuMs } from "./measure.ts";
import { MEASURED, measured, row, WORKLOADS } from "./table.ts";
import type { Workload } from "./workload.ts";

const WRITES = process.env["SALLYPORT_DOCS"] === "write";
const ROUNDS = WRITES ? 3 : 1;
/** Whether a row passes is asked with the default; the other way of reading only matters for the figures. */
const USED: readonly Mode[] = WRITES ? MODES : ["plain", "brokered"];
const PAGE = new URL("../../docs/workloads.md", import.meta.url).pathname;
const rows = new Map<string, string[]>();
/** What a run costs that does nothing, asked once. */
let startMs: number | null = null;

test.for(WORKLOADS)("$name", async (workload, context) => {
  const obstacle = workload.obstacle?.() ?? "";
  if (obstacle !== "") {
    rows.set(workload.name, row(workload, obstacle));
    context.skip(`skipped: ${obstacle}, this machine has it not`);
  }
  using arena = new Arena();
  if (workload.prepare !== undefined)
    execFileSync("bash", ["-c", workload.prepare], {
      cwd: arena.workspace,
      stdio: ["ignore", "ignore", "inherit"],
    });
  const rounds: Record<Mode, Round[]> = { plain: [], brokered: [], native: [] };
  for (let at = 0; at < ROUNDS; at++) {
    for (const mode of USED) rounds[mode].push(await once(workload, arena, mode));
  }
  // A program that fails outside shows nothing.
  expect(rounds.plain[0]?.run.exitCode, rounds.plain[0]?.run.stderr).toBe(0);
  const denials = new Set<string>();
  for (const mode of USED) {
    if (mode !== "plain") check(workload, rounds.plain[0]!, rounds[mode][0]!, denials);
  }
  if (!WRITES) return;
  startMs ??= await startUpCpuMs(arena);
  rows.set(workload.name, row(workload, figures(rounds, startMs, [...denials])));
});

function check(workload: Workload, plain: Round, inside: Round, denials: Set<string>): void {
  const { stdout, stderr, exitCode, report } = inside.run;
  for (const { rule } of report?.denied ?? []) denials.add(rule);
  if (workload.refusal !== undefined) expect(stdout, stderr).toMatch(workload.refusal);
  else expect(stdout, stderr).toBe(plain.run.stdout);
  expect(exitCode, stderr).toBe(plain.run.exitCode);
  const unexpected = [...denials].filter((rule) => !Object.hasOwn(workload.denials ?? {}, rule));
  expect(unexpected, stderr).toEqual([]);
}

function figures(rounds: Record<Mode, Round[]>, start: number, denials: readonly string[]) {
  const { plain, brokered, native } = rounds;
  const both = (of: Round[]) => ({
    wall: ratio(of, plain, "wallMs", 0),
    cpu: ratio(of, plain, "cpuMs", start),
  });
  const trapped = native[0]!.run.report?.operations ?? 0;
  const added = native.map(({ took }, at) => took.wallMs - plain[at]!.took.wallMs);
  const plainMs = median(plain.map(({ took }) => took.wallMs));
  const addedMicros = trapped === 0 ? 0 : (median(added) * 1e3) / trapped;
  return { plainMs, brokered: both(brokered), native: both(native), trapped, addedMicros, denials };
}

afterAll(() => {
  removeAgents();
  console.log(
    WORKLOADS.flatMap(({ name }) => (rows.has(name) ? [rows.get(name)!.join(" | ")] : [])).join("\n"),
  );
  if (!WRITES || rows.size !== WORKLOADS.length) return;
  const table = measured(WORKLOADS.map(({ name }) => rows.get(name)!));
  writeFileSync(
    PAGE,
    readFileSync(PAGE, "utf8").replace(MEASURED, (_, begin, __, end) => `${begin}\n${table}\n\n${end}`),
  );
});
