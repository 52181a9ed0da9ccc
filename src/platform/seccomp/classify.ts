import { SYSCALL_NAMES } from "./syscalls.ts";
import { type EffectiveRule, effectiveRules, type FilterOptions, type FilterSpec, holds } from "./spec.ts";

/** How a call is refused: the rule, one line for the record, and the errno's number. */
export type Refusal = { readonly rule: string; readonly what: string; readonly errno: number };
/** "trap": the broker decides and acts. "kernel": the filter never asks about such a call. */
export type Classification = "trap" | "kernel" | { readonly refuse: Refusal };

/** Answers notifications by number and arguments, as the filter judged them. */
export type Classifier = {
  /** Numbers of which some calls are brokered. */
  readonly traps: ReadonlySet<number>;
  /** Numbers of which some calls are refused and recorded, with the last refusal: the one to give in doubt. */
  readonly refusals: ReadonlyMap<number, Refusal>;
  /**
   * `args` are unsigned; only the low word counts. For a call that was notified the answer is never "kernel", provided the
   * low words are exact: a double has 53 bits, so the caller masks before it converts, or accepts `refusals` in doubt.
   */
  classify(nr: number, args: ArrayLike<number>): Classification;
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
  return {
    traps,
    refusals,
    classify(nr, args) {
      const rule = rules.get(nr)?.find((one) => holds(one.alternatives, (arg) => lowWord(args[arg])));
      if (rule?.action.kind === "trap") return "trap";
      if (rule?.action.kind === "refuse") return { refuse: refusalOf(nr, rule, rule.action.errno) };
      return "kernel";
    },
  };
}

function lowWord(value: number | undefined): number {
  return (value ?? 0) % 0x1_0000_0000;
}

function refusalOf(nr: number, rule: EffectiveRule, errno: number): Refusal {
  return { rule: rule.id, what: `${SYSCALL_NAMES.get(nr) ?? nr}(2): ${rule.reason}`, errno };
}
