import { OPEN, type RefusedRequest, type Request } from "../protocol/message.ts";
import { openRights, requestPaths } from "./request_paths.ts";
import { ALL_RIGHTS, DENIED_SHIFT, RIGHT } from "./rights.ts";
import type { Rule } from "./rule.ts";
import { type CompiledRules, compileRules, matchPath, namedDenial, namedGrant, UNDECIDABLE } from "./trie.ts";

export { requestPaths } from "./request_paths.ts";
export type { Rule } from "./rule.ts";

export type Policy = {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly compiled: CompiledRules;
  /** By rule number; shared by all decisions, so that an allowed request allocates nothing. */
  readonly allowed: readonly AllowVerdict[];
  /** By rule id: the paths that the rule leaves alone, and the policy without it. */
  readonly exceptions: ReadonlyMap<string, Exception>;
};
/** `rest` is compiled when it is first asked for: most runs meet no exception. */
type Exception = { readonly paths: CompiledRules; rest(): Policy };

/** `rule` is the most specific one that grants any of what was asked; `rights` are all that it grants. */
export type AllowVerdict = { readonly kind: "allow"; readonly rule: Rule; readonly rights: number };
export type DenyVerdict = {
  readonly kind: "deny";
  /** The first rule that denies any of what was asked; null where no rule grants it (default deny). */
  readonly rule: Rule | null;
  /** The rights asked for that are denied, or that no rule grants. */
  readonly missing: number;
  readonly path: string;
};
export type Verdict = AllowVerdict | DenyVerdict;

/** Throws INVALID for a rule that does not compile. The seed keys hash tables and changes no verdict. */
export function compilePolicy(name: string, rules: readonly Rule[], seed: number = randomSeed()): Policy {
  const allowed = rules.map((rule): AllowVerdict => ({ kind: "allow", rule, rights: rule.rights }));
  return {
    name,
    rules,
    compiled: compileRules(rules, seed),
    allowed,
    exceptions: exceptionsOf(name, rules, seed),
  };
}

/** Gives a function that makes `policy` without one rule, and remembers what it made. */
export function policiesWithout(): (policy: Policy, rule: string) => Policy {
  const made = new WeakMap<Policy, Map<string, Policy>>();
  return (policy, rule) => {
    const known = made.get(policy) ?? new Map<string, Policy>();
    made.set(policy, known);
    const rest =
      known.get(rule) ??
      compilePolicy(
        policy.name,
        policy.rules.filter(({ id }) => id !== rule),
      );
    known.set(rule, rest);
    return rest;
  };
}

function exceptionsOf(name: string, rules: readonly Rule[], seed: number): ReadonlyMap<string, Exception> {
  const exceptions = new Map<string, Exception>();
  for (const { id, except = [] } of rules) {
    if (except.length === 0 || exceptions.has(id)) continue;
    const paths = except.map(
      // As deny rules, so that stateSignature tells a path below an exception from one that is not.
      (pattern): Rule => ({ id, effect: "deny", rights: ALL_RIGHTS, pattern, reason: "" }),
    );
    let rest: Policy | undefined;
    const restOf = (): Policy => {
      rest ??= compilePolicy(
        name,
        rules.filter((rule) => rule.id !== id),
        seed,
      );
      return rest;
    };
    exceptions.set(id, { paths: compileRules(paths, seed), rest: restOf });
  }
  return exceptions;
}

/**
 * Decides `rights` on one path: a rule that denies any of them wins, then every one must be granted by some rule. A path
 * that is not canonical is denied, so is an empty set of rights. Pure: same arguments, same verdict.
 */
export function decidePath(policy: Policy, path: string, rights: number): Verdict {
  const { compiled } = policy;
  const masks = matchPath(compiled, path);
  if (masks === UNDECIDABLE) return { kind: "deny", rule: null, missing: rights, path };
  const denied = (masks >> DENIED_SHIFT) & rights;
  if (denied !== 0) {
    const rule = policy.rules[namedDenial(compiled, rights)]!;
    const exception = policy.exceptions.get(rule.id);
    if (exception !== undefined && matchPath(exception.paths, path) > 0) {
      return decidePath(exception.rest(), path, rights);
    }
    return { kind: "deny", rule, missing: denied, path };
  }
  const missing = rights & ~(masks & ALL_RIGHTS);
  if (missing !== 0 || rights === 0) return { kind: "deny", rule: null, missing, path };
  return policy.allowed[namedGrant(compiled, rights)]!;
}

/**
 * Decides a whole request: the first path that fails is the verdict, else the verdict on the first path. `nowMs` (since the
 * epoch) is for rules that end; no rule of this version does. Pure: the audit replays it.
 */
export function decide(policy: Policy, request: Request, _nowMs: number): Verdict {
  if (request.op === "open" && (request.flags & OPEN.temporary) === 0) {
    return decidePath(policy, request.path, openRights(request.flags));
  }
  if (request.op === "stat") return decidePath(policy, request.path, RIGHT.stat);
  if (request.op === "refused") return refusedVerdict(request);
  let verdict: Verdict | undefined;
  for (const { path, rights } of requestPaths(request)) {
    const decided = decidePath(policy, path, rights);
    if (decided.kind === "deny") return decided;
    verdict ??= decided;
  }
  return verdict ?? { kind: "deny", rule: null, missing: ALL_RIGHTS, path: "" };
}

function refusedVerdict({ rule, what }: RefusedRequest): DenyVerdict {
  const refusing: Rule = { id: rule, effect: "deny", rights: ALL_RIGHTS, pattern: "", reason: what };
  return { kind: "deny", rule: refusing, missing: 0, path: "" };
}

function randomSeed(): number {
  return globalThis.crypto.getRandomValues(new Uint32Array(1))[0]!;
}
