import { table } from "../support/docs/blocks.ts";
import { AGENTS } from "./agents.ts";
import { LANGUAGES } from "./languages.ts";
import { SERVERS } from "./servers.ts";
import { TOOLS } from "./tools.ts";
import { VERSION_CONTROL } from "./version_control.ts";
import type { Workload } from "./workload.ts";

export const WORKLOADS: readonly Workload[] = [
  ...VERSION_CONTROL,
  ...LANGUAGES,
  ...SERVERS,
  ...TOOLS,
  ...AGENTS,
];

/** Figures of one row; null where the row was skipped or has no measure. */
export type Figures = {
  readonly plainMs: number;
  readonly brokered: { readonly wall: number; readonly cpu: number };
  readonly native: { readonly wall: number; readonly cpu: number };
  readonly trapped: number;
  readonly addedMicros: number;
  readonly denials: readonly string[];
};

export const HEADER: readonly string[] = [
  "workload",
  "mostly",
  "plain, ms",
  "wall",
  "CPU",
  "wall, `--reads native`",
  "CPU, `--reads native`",
  "trapped calls",
  "µs a call",
  "denials",
];

/** The part of docs/workloads.md between the marks, which only the tier writes. */
export const MEASURED: RegExp = /(<!-- measured: workloads -->\n)([\s\S]*?)(<!-- end of measured -->)/;

/** A row of the table; `figures` is why there are none. */
export function row(workload: Workload, figures: Figures | string): string[] {
  const start = [workload.name, workload.kind];
  if (typeof figures === "string") return [...start, ...Array(7).fill("-"), figures];
  const { plainMs, brokered, native, trapped, addedMicros, denials } = figures;
  const ratios = [brokered.wall, brokered.cpu, native.wall, native.cpu].map((value) => value.toFixed(2));
  const counts = [String(trapped), addedMicros.toFixed(0)];
  return [
    ...start,
    plainMs.toFixed(0),
    ...ratios,
    ...counts,
    denials.length === 0 ? "none" : denials.join(", "),
  ];
}

export function measured(rows: readonly (readonly string[])[]): string {
  return table(HEADER, rows);
}
