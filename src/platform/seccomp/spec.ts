/** What a filter is to do, before it is a program: ordered rules on system call numbers. */

export type Mediation = "kernel" | "writes" | "strict";
export type MemfdPolicy = "noexec" | "any";
/** brokered: the program makes Unix sockets itself, and the broker binds and connects them. */
export type UnixPolicy = "refused" | "brokered";
/** namespace: the run has an empty network namespace of its own, in which it makes TCP and UDP sockets itself. */
export type InetPolicy = "refused" | "namespace";
/** What of a profile the filter depends on. */
export type FilterOptions = {
  readonly mediation: Mediation;
  readonly memfd: MemfdPolicy;
  /** Absent: refused. */
  readonly unix?: UnixPolicy;
  readonly inet: InetPolicy;
};

/**
 * Holds when (low word of argument `arg`) & mask === value. The high word is never compared: the kernel ignores it for
 * int arguments, so a comparison that sees it can be dodged (CVE-2019-10063).
 */
export type Condition = { readonly arg: number; readonly mask: number; readonly value: number };

export type Action =
  | { readonly kind: "allow" }
  /** The kernel answers; nothing is recorded. */
  | { readonly kind: "errno"; readonly errno: number }
  /** The broker answers with the errno and records a denial; without notifications the kernel answers. */
  | { readonly kind: "refuse"; readonly errno: number }
  /** The broker decides and acts. */
  | { readonly kind: "trap" };

export type SyscallRule = {
  readonly id: string;
  readonly numbers: readonly number[];
  readonly action: Action;
  /** "writes": in mediation writes and strict; "strict": only there. Present on traps. */
  readonly from: "writes" | "strict" | null;
  /** What a trap is without notifications: null lets the call through. */
  readonly unmediatedErrno: number | null;
  /** Applies only with this memfd policy. */
  readonly memfd: MemfdPolicy | null;
  /** Applies only with this policy on Unix sockets. */
  readonly unix: UnixPolicy | null;
  /** Applies only with this inet policy. */
  readonly inet: InetPolicy | null;
  /** One of these alternatives must hold, each a conjunction; empty: always. */
  readonly alternatives: readonly (readonly Condition[])[];
  readonly reason: string;
};

/** The first rule that holds decides; then `allowed`; every other number gets ENOSYS. */
export type FilterSpec = {
  readonly name: string;
  readonly rules: readonly SyscallRule[];
  readonly allowed: ReadonlySet<number>;
};

/** A rule as it applies under given options. */
export type EffectiveRule = {
  readonly id: string;
  readonly action: Action;
  readonly alternatives: readonly (readonly Condition[])[];
  readonly reason: string;
};

/** The rules that apply to each number, in order. A number without an entry and not in `allowed` gets ENOSYS. */
export function effectiveRules(spec: FilterSpec, options: FilterOptions): Map<number, EffectiveRule[]> {
  const byNumber = new Map<number, EffectiveRule[]>();
  for (const rule of spec.rules) {
    const action = effectiveAction(rule, options);
    if (action === null) continue;
    for (const nr of rule.numbers) {
      const rules = byNumber.get(nr) ?? [];
      rules.push({ id: rule.id, action, alternatives: rule.alternatives, reason: rule.reason });
      byNumber.set(nr, rules);
    }
  }
  return byNumber;
}

/** Of each argument only the low word counts. */
export function holds(alternatives: readonly (readonly Condition[])[], args: ArrayLike<number>): boolean {
  if (alternatives.length === 0) return true;
  for (const all of alternatives) if (allHold(all, args)) return true;
  return false;
}

function allHold(all: readonly Condition[], args: ArrayLike<number>): boolean {
  // The operator takes a number modulo 2^32: whatever stands above the low word is not seen.
  for (const { arg, mask, value } of all) if (((args[arg] ?? 0) & mask) >>> 0 !== value) return false;
  return true;
}

function effectiveAction(rule: SyscallRule, options: FilterOptions): Action | null {
  const { mediation, memfd, unix = "refused", inet } = options;
  if (rule.memfd !== null && rule.memfd !== memfd) return null;
  if (rule.unix !== null && rule.unix !== unix) return null;
  if (rule.inet !== null && rule.inet !== inet) return null;
  const { action } = rule;
  if (mediation === "kernel") {
    if (action.kind === "refuse") return { kind: "errno", errno: action.errno };
    if (action.kind !== "trap") return action;
    return rule.unmediatedErrno === null ? null : { kind: "errno", errno: rule.unmediatedErrno };
  }
  return rule.from === "strict" && mediation === "writes" ? null : action;
}
