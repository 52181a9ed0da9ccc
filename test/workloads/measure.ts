import { rmSync } from "node:fs";
import { join } from "node:path";
import { median } from "../../bench/measure.ts";
import type { Arena } from "../support/arena.ts";
import { type Confined, confined, SALLYPORT } from "../support/confined.ts";
import { execute, type Finished } from "../support/process.ts";
import type { Workload } from "./workload.ts";

/** How reads are judged; `plain` is without Sallyport. */
export type Mode = "plain" | "brokered" | "native";
export const MODES: readonly Mode[] = ["plain", "brokered", "native"];

export type Took = { readonly wallMs: number; readonly cpuMs: number };
export type Round = { readonly run: Finished & Partial<Confined>; readonly took: Took };

const TIMES = /^took ([\d.]+) ([\d.]+) ([\d.]+)$/gm;
/** Times what it runs, itself and its children; the end and the words stay those of what it runs. */
const TIMED = ["bash", "-c", 'TIMEFORMAT="took %R %U %S"; time "$@"', "timed"];

/** Runs a workload's script once. Wall time is its own, processor time is that of all there is, the broker included. */
export async function once(workload: Workload, arena: Arena, mode: Mode): Promise<Round> {
  rmSync(join(arena.workspace, "w"), { recursive: true, force: true });
  const script = `mkdir w && cd w && { ${workload.script}\n}`;
  const command = [...TIMED, "bash", "-c", script];
  const options = { within: TIMED, env: { TMPDIR: undefined }, timeoutMs: 300_000, cwd: arena.workspace };
  const reads = (workload.reads ?? []).flatMap((path) => ["--read", path]);
  const flags = [...(workload.flags ?? []), ...reads, "--reads", mode === "native" ? "native" : "auto"];
  const ended = new AbortController();
  const beside = workload.beside?.(ended.signal).then(
    () => null,
    (problem: Error) => problem,
  );
  const run = await (mode === "plain"
    ? execute(command, options)
    : confined(arena, command, { ...options, flags }));
  ended.abort();
  const problem = (await beside) ?? null;
  if (problem !== null && problem.name !== "AbortError") throw problem;
  const times = [...run.stderr.matchAll(TIMES)].map((found) =>
    found.slice(1).map((text) => Number(text) * 1e3),
  );
  const [own = [0, 0, 0], whole = [0, 0, 0]] = [times[0], times.at(-1)];
  return { run, took: { wallMs: own[0]!, cpuMs: whole[1]! + whole[2]! } };
}

/** What `sallyport run` itself takes to start and to end, which is no cost of the workload. */
export async function startUpCpuMs(arena: Arena): Promise<number> {
  const command = [...SALLYPORT, "run", "--state", arena.state, "--", "true"];
  const taken: number[] = [];
  for (let at = 0; at < 3; at++) {
    const { stderr } = await execute(command, { within: TIMED, cwd: arena.workspace });
    const [, , user, system] = /^took ([\d.]+) ([\d.]+) ([\d.]+)$/m.exec(stderr) ?? [];
    taken.push((Number(user) + Number(system)) * 1e3);
  }
  return median(taken);
}

/** Median of the ratios of rounds that stand side by side. */
export function ratio(
  confinedRounds: readonly Round[],
  plainRounds: readonly Round[],
  key: keyof Took,
  offsetMs: number,
): number {
  return median(
    confinedRounds.map(
      ({ took }, at) => Math.max(0, took[key] - offsetMs) / Math.max(1, plainRounds[at]!.took[key]),
    ),
  );
}
