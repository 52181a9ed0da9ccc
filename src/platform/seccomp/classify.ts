import { constants } from "node:os";
import { type EffectiveRule, effectiveRules, type FilterOptions, type FilterSpec, holds } from "./spec.ts";
import { SYSCALL_NAMES } from "./syscalls.ts";

const ERRNO_NAMES = new Map(
  Object.entries(constants.errno).map(([name, value]): [number, string] => [value, name]),
);

/** How a call is refused: the rule, one line for the record, and the errno's name. */
export type Refusal = { readonly rule: string; readonly what: string; readonly errno: string };
/** "trap": the broker decides and acts. "kernel": the filter never asks about such a call. */
export type Classification = "trap" | "kernel" | { readonly refuse: Refusal };

/** Answers notifications by number and arguments, as the filter judged them. */
export type Classifier = {
  /** Numbers of which some calls are brokered. */
  readonly traps: ReadonlySet<number>;
  /** Numbers of which some calls are refused and recorded, with the last refusal: the one to give in doubt. */
  readonly refusals: ReadonlyMap<number, Refusal>;
  /** Mirrors the filter exactly; `args` are unsigned and only the low word of each counts. */
  classify(nr: number, args: ArrayLike<number>): Classification;
  /**
   * For a call that was notified: null when it is to be brokered, else the refusal. Fails closed, since a double holds 53 of an
   * argument's 64 bits and its low word may have been rounded: what cannot be brokered is refused in any case.
   */
  refusal(nr: number, args: ArrayLike<number>): Refusal | null;
};

/** Mirrors the filter that `compileFilter` makes of the same spec and options. */
export function makeClassifier(spec: FilterSpec, options: FilterOptions): Classifier {
  const rules = effectiveRules(spec, options);
  const traps = new Set<number>();
  const refusals = new Map<number, Refusal>();
  for (const [nr, list] of rules) {
    for (const rule of list) {
      if (rule.action.kind === "trap") traps.add(nr);
      if (rule.action.kind === "refuse") refusals.set(nr, refusalOf(nr, rule, rule.action.errno));
    }
  }
  const classify = (nr: number, args: ArrayLike<number>): Classification => {
    for (const rule of rules.get(nr) ?? []) {
      if (!holds(rule.alternatives, args)) continue;
      if (rule.action.kind === "trap") return "trap";
      if (rule.action.kind === "refuse") return { refuse: refusalOf(nr, rule, rule.action.errno) };
      return "kernel";
    }
    return "kernel";
  };
  const refusal = (nr: number, args: ArrayLike<number>): Refusal | null => {
    const found = classify(nr, args);
    if (typeof found === "object") return found.refuse;
    if (traps.has(nr)) return null;
    return (
      refusals.get(nr) ?? {
        rule: "unexpected-call",
        what: `${nameOf(nr)}(2): no rule asks for it`,
        errno: "EPERM",
      }
    );
  };
  return { traps, refusals, classify, refusal };
}

function refusalOf(nr: number, rule: EffectiveRule, errno: number): Refusal {
  return {
    rule: rule.id,
    what: `${nameOf(nr)}(2): ${rule.reason}`,
    errno: ERRNO_NAMES.get(errno) ?? "EPERM",
  };
}

function nameOf(nr: number): string {
  return SYSCALL_NAMES.get(nr) ?? `${nr}`;
}
