import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Arena } from "./arena.ts";
import { type Confined, type ConfinedOptions, confined, sallyport } from "./confined.ts";
import type { Finished } from "./process.ts";

/** A line of `changes --json`. */
export type StagedChange = {
  readonly path: string;
  readonly what: "created" | "modified" | "metadata" | "replaced" | "deleted";
  readonly differs: readonly string[];
  readonly keptBecause: string;
  readonly diff?: string | null;
};

export type StagedRun = Confined & { readonly run: string };

export type CommitReport = {
  readonly committed: readonly string[];
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  readonly isComplete: boolean;
  readonly undoable: number;
  readonly log: string;
};

/** `sallyport run --stage`; throws when it did not start. */
export async function staged(
  arena: Arena,
  command: readonly string[],
  options: ConfinedOptions = {},
): Promise<StagedRun> {
  const run = await confined(arena, command, { ...options, flags: ["--stage", ...(options.flags ?? [])] });
  if (run.report === null) throw new Error(`the run did not start: ${run.stderr}`);
  return { ...run, run: run.report.run };
}

export async function changesOf(arena: Arena, run: string, ...flags: string[]): Promise<StagedChange[]> {
  const shown = await sallyport(arena, ["changes", run, "--json", "--state", arena.state, ...flags]);
  if (shown.exitCode !== 0) throw new Error(`changes ended with ${shown.exitCode}: ${shown.stderr}`);
  return (JSON.parse(shown.stdout) as { changes: StagedChange[] }).changes;
}

export async function commitOf(arena: Arena, run: string, ...flags: string[]): Promise<CommitReport> {
  const done = await sallyport(arena, ["commit", run, "--json", "--state", arena.state, ...flags]);
  if (done.stdout === "") throw new Error(`commit ended with ${done.exitCode}: ${done.stderr}`);
  return JSON.parse(done.stdout) as CommitReport;
}

export function discardOf(arena: Arena, run: string): Promise<Finished> {
  return sallyport(arena, ["discard", run, "--state", arena.state]);
}

/** The stages that are left in the arena's state. */
export function stagesOf(arena: Arena): string[] {
  return readdirSync(join(arena.state, "stages"));
}
