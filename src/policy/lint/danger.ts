/** Paths whose grant is more than it looks like: what it leads to, and what to do instead. */
import type { RightName } from "../rights.ts";

export type Danger = {
  readonly rule: string;
  readonly severity: "error" | "warning";
  /** Any of them. */
  readonly rights: readonly RightName[];
  /** Patterns as profiles have them: a grant that lies within them is meant. */
  readonly paths: readonly string[];
  /** And not within these. */
  readonly except: readonly string[];
  readonly problem: string;
  readonly mend: string;
};

export const WRITES: readonly RightName[] = ["write", "create", "delete", "metadata"];
export const READS: readonly RightName[] = ["read"];
export const BOTH: readonly RightName[] = ["read", "write", "create", "delete", "metadata"];
export const CONNECT: readonly RightName[] = ["connect"];

export function error(
  rule: string,
  rights: readonly RightName[],
  paths: readonly string[],
  problem: string,
  mend: string,
  except: readonly string[] = [],
): Danger {
  return { rule, severity: "error", rights, paths, except, problem, mend };
}

export function warning(
  rule: string,
  rights: readonly RightName[],
  paths: readonly string[],
  problem: string,
  mend: string,
): Danger {
  return { ...error(rule, rights, paths, problem, mend), severity: "warning" };
}
