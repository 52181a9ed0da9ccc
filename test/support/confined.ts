import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DenialJson } from "../../src/protocol/denial_json.ts";
import { type Arena, NOBODY } from "./arena.ts";
import { type ExecuteOptions, execute, type Finished } from "./process.ts";

const ROOT: string = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
export const SALLYPORT: readonly string[] = [process.execPath, join(ROOT, "bin/sallyport")];

/** What `--json` promises. */
export type Report = {
  readonly run: string;
  readonly exitCode: number;
  readonly profile: string;
  readonly mediation: "kernel" | "writes" | "strict";
  readonly reads: "native" | "brokered";
  readonly operations: number;
  readonly denials: number;
  readonly denied: readonly (DenialJson & { readonly count: number })[];
  readonly changedFiles: readonly string[];
  readonly undo: "moved" | "copied" | "off";
  readonly undoable: number;
  readonly auditHead: { readonly origin: string; readonly size: number; readonly root: string };
};

/** A line of `audit show --json`. */
export type LogRecord = {
  readonly seq: number;
  readonly kind: "intent" | "outcome" | "deny" | "run.start" | "run.end" | "note";
  readonly op?: string;
  readonly path?: string;
  readonly to?: string;
  readonly rule?: string;
  readonly errno?: string;
  readonly intent?: number;
  readonly pid?: number;
  readonly extra?: Readonly<Record<string, string | number | boolean>>;
};

export type ConfinedOptions = ExecuteOptions & {
  /** Default: the command line's own default, `:workspace`. */
  readonly profile?: string;
  readonly flags?: readonly string[];
};

export type Confined = Finished & { readonly report: Report | null; readonly records: readonly LogRecord[] };

/** The command line of a run in an arena, for whoever starts it by other means. */
export function runCommand(
  arena: Arena,
  command: readonly string[],
  options: ConfinedOptions = {},
): string[] {
  const profile = options.profile === undefined ? [] : ["-p", options.profile];
  const flags = options.flags ?? [];
  const run = [
    "run",
    "--state",
    arena.state,
    `--json=${reportFile(arena)}`,
    ...profile,
    ...flags,
    "--",
    ...command,
  ];
  return [...as(arena), ...SALLYPORT, ...run];
}

/** `sallyport run` in the arena's workspace, and what its report and its log say afterwards. */
export async function confined(
  arena: Arena,
  command: readonly string[],
  options: ConfinedOptions = {},
): Promise<Confined> {
  const finished = await execute(runCommand(arena, command, options), { cwd: arena.workspace, ...options });
  const report = readReport(arena);
  return { ...finished, report, records: report === null ? [] : await recordsOf(arena, report.run) };
}

/** `sallyport` with any arguments, as the arena's owner. */
export function sallyport(
  arena: Arena,
  args: readonly string[],
  options: ExecuteOptions = {},
): Promise<Finished> {
  return execute([...as(arena), ...SALLYPORT, ...args], { cwd: arena.workspace, ...options });
}

export async function recordsOf(arena: Arena, run: string): Promise<readonly LogRecord[]> {
  const shown = await sallyport(arena, ["audit", "show", run, "--json", "--state", arena.state]);
  if (shown.exitCode !== 0) throw new Error(`audit show ended with ${shown.exitCode}: ${shown.stderr}`);
  return shown.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LogRecord);
}

function readReport(arena: Arena): Report | null {
  const file = reportFile(arena);
  if (!existsSync(file)) return null;
  const last = readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "";
  const read = JSON.parse(last) as Report | { error: unknown };
  // A run that did not start has no id.
  return "error" in read ? null : read;
}

function reportFile(arena: Arena): string {
  return join(arena.home, "report.json");
}

function as(arena: Arena): readonly string[] {
  if (arena.owner === process.geteuid!()) return [];
  return [
    "setpriv",
    `--reuid=${arena.owner}`,
    `--regid=${arena.owner}`,
    "--clear-groups",
    "env",
    `HOME=${arena.home}`,
  ];
}

/** Why a run as nobody can not be tried here, or "". */
export function unprivilegedObstacle(): string {
  if (process.geteuid!() !== 0)
    return `needs root to become uid ${NOBODY}, this machine has uid ${process.geteuid!()}`;
  return existsSync("/usr/bin/setpriv") ? "" : "needs setpriv(1), this machine has none";
}
