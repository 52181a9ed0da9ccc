/** Which programs may be executed, decided on what a file is and on all of its names. Pure. */
import { compilePolicy, decidePath, type Policy } from "./decide.ts";
import type { Execution } from "./profile.ts";
import { RIGHT } from "./rights.ts";
import type { Rule } from "./rule.ts";
import { mayMatchBelow } from "./trie.ts";

/** A rule with the right execute alone. Patterns are expanded. */
export type ProgramRule = {
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly patterns: readonly string[];
  readonly except: readonly string[];
  /** Lower-case hex; null: any content. */
  readonly sha256: ReadonlySet<string> | null;
  /** uids; null: anybody. */
  readonly owners: ReadonlySet<number> | null;
  readonly reason: string;
  readonly remedy: string;
};

/** A file as it lies on the disk. */
export type Program = {
  /** Every name that is known of it, without symbolic links. */
  readonly paths: readonly string[];
  readonly uid: number;
  readonly kind: "program" | "interpreter" | "loader";
  /** Whether a rule lets the run write it: then it is whatever the run likes. */
  readonly written: "by the run" | "by others";
  /** Hex, or null when it can not be read. Asked only where a rule wants to know. */
  sha256(): string | null;
};

export type ProgramPolicy = {
  readonly execution: Execution;
  readonly rules: readonly (ProgramRule & { readonly paths: Policy })[];
  /** The patterns of the deny rules. */
  readonly denied: Policy;
};

export type ProgramVerdict =
  | { readonly kind: "allow"; readonly rule: string; readonly reason: string }
  | { readonly kind: "deny"; readonly rule: ProgramRefusal }
  /** Nothing tells this file from others: the rules on its path decide. */
  | { readonly kind: "by-path" };

export type ProgramRefusal = { readonly id: string; readonly reason: string; readonly remedy: string };

export function compilePrograms(execution: Execution, rules: readonly ProgramRule[]): ProgramPolicy {
  const denying = rules.filter(({ effect }) => effect === "deny");
  const denied = denying.flatMap((rule) => rule.patterns.map((pattern) => patternOf(rule, "deny", pattern)));
  return {
    execution,
    rules: rules.map((rule) => ({ ...rule, paths: pathsOf(rule) })),
    denied: compilePolicy("denied programs", denied),
  };
}

/** Says whether files below `tree` are told from one another by more than that they lie there. */
export function tellsApart({ execution, denied }: ProgramPolicy, tree: string): boolean {
  const { programs, interpreters } = execution;
  return (
    programs === "listed" ||
    interpreters === "refused" ||
    mayMatchBelow(denied.compiled, tree, RIGHT.execute).length > 0 ||
    decidePath(denied, tree, RIGHT.execute).rule !== null
  );
}

/**
 * Decides on one file: deny rules win, by any of its names; then what it is; then an allow rule, by any of its names. A digest that can
 * not be known is the denied one and not the granted one. In a `whole` tree no file is told from another.
 */
export function judgeProgram(
  policy: ProgramPolicy,
  program: Program,
  tree: "whole" | "told apart",
): ProgramVerdict {
  if (tree === "whole") return allowed(policy, program) ?? { kind: "by-path" };
  const denying = policy.rules.find((rule) => rule.effect === "deny" && matches(rule, program, "denied"));
  if (denying !== undefined) return { kind: "deny", rule: denying };
  if (policy.execution.interpreters === "refused" && program.kind !== "program") return refused(INTERPRETER);
  if (program.kind === "loader") return refused(LOADER);
  if (program.written === "by the run") return refused(WRITTEN);
  const granted = allowed(policy, program);
  if (granted !== null) return granted;
  return policy.execution.programs === "listed" ? refused(NOT_LISTED) : { kind: "by-path" };
}

function allowed({ rules }: ProgramPolicy, program: Program): ProgramVerdict | null {
  const granting = rules.find((rule) => rule.effect === "allow" && matches(rule, program, "granted"));
  if (granting === undefined || program.written === "by the run") return null;
  return { kind: "allow", rule: granting.id, reason: granting.reason };
}

function matches(
  rule: ProgramPolicy["rules"][number],
  program: Program,
  unreadable: "denied" | "granted",
): boolean {
  if (!program.paths.some((path) => decidePath(rule.paths, path, RIGHT.execute).kind === "allow"))
    return false;
  if (rule.owners !== null && !rule.owners.has(program.uid)) return false;
  if (rule.sha256 === null) return true;
  const digest = program.sha256();
  return digest === null ? unreadable === "denied" : rule.sha256.has(digest);
}

/** A policy that grants what the rule covers. */
function pathsOf(rule: ProgramRule): Policy {
  return compilePolicy(rule.id, [
    ...rule.patterns.map((pattern) => patternOf(rule, "allow", pattern)),
    ...rule.except.map((pattern) => patternOf(rule, "deny", pattern)),
  ]);
}

function patternOf({ id, reason }: ProgramRule, effect: "allow" | "deny", pattern: string): Rule {
  return { id, effect, rights: RIGHT.execute, pattern, reason };
}

function refused(rule: ProgramRefusal): ProgramVerdict {
  return { kind: "deny", rule };
}

const INTERPRETER: ProgramRefusal = {
  id: "execution.interpreters",
  reason: "it runs what it is given as data, and the profile refuses interpreters",
  remedy: "Write execution: { interpreters: allowed } in a profile of your own",
};
/** Also what a loader that was executed by itself is told when it opens a program. */
export const LOADER: ProgramRefusal = {
  id: "execution.loader",
  reason: "the dynamic loader, executed by itself, runs any file that it can read",
  remedy: "Execute the program itself",
};
const WRITTEN: ProgramRefusal = {
  id: "execution.written",
  reason: "the run may write it, so that no rule could say what it is",
  remedy: "Put it where no rule lets the run write",
};
export const NOT_LISTED: ProgramRefusal = {
  id: "execution.listed",
  reason: "no rule grants to execute it, and the profile lists its programs",
  remedy: "Write a rule with rights: [execute] that names it by paths, sha256 or owner",
};
