import { instruction, instructionCount, OP, RETURN } from "./bpf.ts";
import { toCubes } from "./cubes.ts";
import { compileRules, type LibraryRule } from "./libseccomp.ts";
import {
  type Action,
  type EffectiveRule,
  effectiveRules,
  type FilterOptions,
  type FilterSpec,
} from "./spec.ts";
import { ARCH_X86_64, GAP, LAST_SYSCALL, SYSCALL_NAMES, X32_BIT } from "./syscalls.ts";

export type CompiledFilter = {
  /** struct sock_filter[]. */
  readonly filter: Uint8Array;
  /** "notify" when some answer of `filter` is a notification. */
  readonly listener: "notify" | "none";
  /** For a person: what was left out, how large it became. */
  readonly notes: readonly string[];
};

/** Linux's ENOSYS; the numbers in a filter are Linux's, whatever machine compiles it. */
const ENOSYS = 38;
/** BPF_MAXINSNS, linux/bpf_common.h. */
const MAX_INSTRUCTIONS = 4096;
const MAX_CUBES = 512;
const UNNAMED: EffectiveRule = {
  id: "unnamed",
  action: { kind: "errno", errno: ENOSYS },
  alternatives: [],
  reason: "No set names it",
};

/**
 * Makes the program of a spec. Pure but for libseccomp. Throws LibseccompError when it refuses a rule, RangeError when
 * the program grows past what the kernel takes.
 */
export function compileFilter(spec: FilterSpec, options: FilterOptions): CompiledFilter {
  const rules = libraryRules(spec, options);
  const filter = Uint8Array.from(Buffer.concat([...prologue(), compileRules(RETURN.allow, rules)]));
  const count = instructionCount(filter);
  if (count > MAX_INSTRUCTIONS)
    throw new RangeError(`Filter "${spec.name}" has ${count} instructions, the kernel takes 4096`);
  return {
    filter,
    listener: rules.some((rule) => rule.action === RETURN.notify) ? "notify" : "none",
    notes: [`${rules.length} comparisons, ${count} instructions, mediation ${options.mediation}`],
  };
}

/** What libseccomp is given; everything else is allowed, so a number without a rule or a grant is named here. */
export function libraryRules(spec: FilterSpec, options: FilterOptions): LibraryRule[] {
  const byNumber = effectiveRules(spec, options);
  const result: LibraryRule[] = [];
  for (const nr of SYSCALL_NAMES.keys()) {
    const rules = byNumber.get(nr) ?? [];
    for (const { rule, cube } of toCubes(spec.allowed.has(nr) ? rules : [...rules, UNNAMED], MAX_CUBES)) {
      if (rule.action.kind === "allow") continue;
      result.push({ action: returnValue(rule.action), nr, all: cube });
    }
  }
  return result;
}

/**
 * Answers by ranges, which libseccomp cannot, and runs on into the program behind it: x32 kills, numbers that this build has
 * no opinion on get ENOSYS, so that libc falls back to what it knows. A foreign architecture is left to the program.
 * In front of the filter it costs nothing; as a filter of its own it would cost 50 µs a launch.
 */
function prologue(): Uint8Array[] {
  return [
    instruction(OP.load, 0, 0, 4),
    instruction(OP.jumpEqual, 0, 7, ARCH_X86_64),
    instruction(OP.load, 0, 0, 0),
    instruction(OP.jumpGreaterEqual, 4, 0, X32_BIT),
    instruction(OP.jumpGreater, 2, 0, LAST_SYSCALL),
    instruction(OP.jumpGreaterEqual, 0, 3, GAP.first),
    instruction(OP.jumpGreater, 2, 0, GAP.last),
    instruction(OP.return, 0, 0, RETURN.errno + ENOSYS),
    instruction(OP.return, 0, 0, RETURN.killProcess),
  ];
}

function returnValue(action: Action): number {
  switch (action.kind) {
    case "allow":
      return RETURN.allow;
    case "errno":
      return RETURN.errno + action.errno;
    case "refuse":
    case "trap":
      return RETURN.notify;
  }
}
