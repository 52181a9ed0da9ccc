/** What `policy lint` says. Pure: the text comes in, the places of its values too. */
import type { Problem } from "../problem.ts";

/** Lines and columns count from 1; columns are UTF-16 units. */
export type Place = { readonly line: number; readonly column: number };
/** Where a value is in a file: `["rules", 2, "paths", 0]`. */
export type Path = readonly (string | number)[];
export type Severity = "error" | "warning";

export type Finding = Place & {
  /** Stable name of the kind of mistake, as "glob.braces". */
  readonly rule: string;
  /** An error: the file is refused, or means something else than it says. A warning: it holds, and is seldom meant. */
  readonly severity: Severity;
  /** As `rules[2].paths[0]`; "" where no field can be named. */
  readonly field: string;
  readonly problem: string;
  readonly mend: string;
};

/** A data file with the places of its values. */
export type Source = {
  readonly text: string;
  readonly value: unknown;
  /** Of the key or of the value at a path; the nearest that is there, where it is not. */
  place(at: Path, what: "key" | "value"): Place;
};

/** Takes what is found. One rule speaks once about one place. */
export class Findings {
  readonly #source: Source;
  readonly #found: Finding[] = [];
  readonly #seen = new Set<string>();

  constructor(source: Source) {
    this.#source = source;
  }

  error(rule: string, at: Path, problem: string, mend: string, what: "key" | "value" = "value"): void {
    this.add({ rule, severity: "error", ...this.#source.place(at, what), field: fieldOf(at), problem, mend });
  }

  warn(rule: string, at: Path, problem: string, mend: string, what: "key" | "value" = "value"): void {
    this.add({
      rule,
      severity: "warning",
      ...this.#source.place(at, what),
      field: fieldOf(at),
      problem,
      mend,
    });
  }

  add(finding: Finding): void {
    const key = `${finding.rule} ${finding.line}:${finding.column}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#found.push(finding);
  }

  /** Whether an error is known of this field or of one inside it. */
  speaksOf(at: Path): boolean {
    const field = fieldOf(at);
    return this.#found.some(
      (one) =>
        one.severity === "error" &&
        (one.field === field || one.field.startsWith(`${field}.`) || one.field.startsWith(`${field}[`)),
    );
  }

  /** In the order of the file. */
  get sorted(): readonly Finding[] {
    return this.#found.toSorted(
      (a, b) => a.line - b.line || a.column - b.column || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0),
    );
  }
}

export function fieldOf(at: Path): string {
  return at.reduce<string>(
    (field, step) =>
      typeof step === "number" ? `${field}[${step}]` : field === "" ? step : `${field}.${step}`,
    "",
  );
}

/** The path that the field of a Problem names. */
export function pathOf({ field }: Problem): Path {
  return [...field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? key! : Number(index),
  );
}

/** `FILE:LINE:COLUMN: severity[rule]: field problem; mend`. */
export function formatFinding(file: string, found: Finding): string {
  const field = found.field === "" ? "" : `${found.field} `;
  return `${file}:${found.line}:${found.column}: ${found.severity}[${found.rule}]: ${field}${found.problem}; ${found.mend}`;
}

export function show(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
