import { escapePattern, parsePattern } from "../pattern.ts";
import { patternSubsumes } from "../pattern_subsumes.ts";
import { RIGHT, type RightName } from "../rights.ts";
import { actionsOf, entityOf, type PolicyJson } from "./policy_json.ts";

/** Actions on paths that the rules of a run decide. */
export const PATH_ACTIONS: readonly RightName[] = [
  "read",
  "write",
  "create",
  "delete",
  "list",
  "metadata",
  "execute",
];

export type CompiledPolicy = {
  /** Number of the policy in its file. */
  readonly index: number;
  readonly effect: "allow" | "deny";
  readonly rights: number;
  readonly pattern: string;
};

export type Compiled = {
  readonly rules: readonly CompiledPolicy[];
  /** Policies that speak of paths and are not in the subset, with the reason: no operation on a file waits for Cedar. */
  readonly remainder: readonly { readonly index: number; readonly why: string }[];
  /** Policies that Cedar itself answers by, where that is seldom: at a new host, at a new program. Empty: nothing is asked. */
  readonly asked: Readonly<Record<AskedAction, readonly number[]>>;
};

export type AskedAction = "connect" | "execute";

/**
 * Turns the recognised subset into rules for one agent: scopes alone, of which the resource is anything, `in Dir` or `== File`, and the
 * annotation @path, which narrows it. A policy for another agent says nothing here, and one about hosts, capabilities
 * or runs alone is no matter of rules. Where one policy on execution alone is not in the subset, Cedar is asked by all of them.
 */
export function compileCedar(policies: readonly PolicyJson[], agent: string): Compiled {
  const rules: CompiledPolicy[] = [];
  const remainder: { index: number; why: string }[] = [];
  const leftToCedar: number[] = [];
  for (const [index, policy] of policies.entries()) {
    const rights = rightsOf(policy);
    if (rights === 0 || isAboutOther(policy)) continue;
    const whose = principalOf(policy, agent);
    if (whose === "other") continue;
    const pattern = patternOf(policy);
    const why =
      whose === "unknown"
        ? "its principal is not one agent"
        : policy.conditions.length > 0
          ? "it has a condition"
          : pattern === null
            ? "its resource is no directory, file or @path"
            : null;
    if (why === null)
      rules.push({ index, effect: policy.effect === "permit" ? "allow" : "deny", rights, pattern: pattern! });
    else if (rights === RIGHT.execute) leftToCedar.push(index);
    else remainder.push({ index, why });
  }
  const isOf = (action: AskedAction, policy: PolicyJson): boolean =>
    speaksOf(action, policy) && principalOf(policy, agent) !== "other";
  const indexes = (action: AskedAction): number[] =>
    policies.flatMap((policy, index) => (isOf(action, policy) ? [index] : []));
  const execute = leftToCedar.length === 0 ? [] : indexes("execute");
  // Cedar takes the scope for the whole policy, and would forbid, or permit, more than is meant.
  for (const index of execute)
    if (policies[index]!.annotations?.["path"] !== undefined)
      remainder.push({ index, why: "it has @path beside a policy on execution that Cedar itself answers" });
  const isBoundByCedar = leftToCedar.some((index) => policies[index]!.effect === "permit");
  return {
    rules: isBoundByCedar ? rules.flatMap(withoutExecution) : rules,
    remainder,
    asked: { connect: indexes("connect"), execute },
  };
}

/** What permits execution is not all that does: a bound made of it would be too narrow. */
function withoutExecution(rule: CompiledPolicy): CompiledPolicy[] {
  if (rule.effect === "deny") return [rule];
  const rights = rule.rights & ~RIGHT.execute;
  return rights === 0 ? [] : [{ ...rule, rights }];
}

function speaksOf(action: AskedAction, policy: PolicyJson): boolean {
  const actions = actionsOf(policy);
  if (actions !== null && !actions.includes(action)) return false;
  const type = policy.resource.entity_type ?? entityOf(policy.resource.entity)?.type;
  return type === undefined || (action === "connect" ? type === "Host" : !isAboutOther(policy));
}

function rightsOf(policy: PolicyJson): number {
  const actions = actionsOf(policy) ?? PATH_ACTIONS;
  return PATH_ACTIONS.filter((right) => actions.includes(right)).reduce(
    (sum, right) => sum | RIGHT[right],
    0,
  );
}

/** Says whether the resource is of a kind that has no path. */
function isAboutOther({ resource }: PolicyJson): boolean {
  const type = resource.entity_type ?? entityOf(resource.entity)?.type;
  return type !== undefined && !["Dir", "File", "Program"].includes(type);
}

function principalOf({ principal }: PolicyJson, agent: string): "this" | "other" | "unknown" {
  if (
    principal.op === "All" ||
    (principal.op === "is" && principal.entity_type === "Agent" && principal.in === undefined)
  )
    return "this";
  const named = entityOf(principal.entity);
  if (principal.op !== "==" || named?.type !== "Agent") return "unknown";
  return named.id === agent ? "this" : "other";
}

/** The pattern of scope and annotation together; null where it can not be said in one. */
function patternOf(policy: PolicyJson): string | null {
  const scope = scopePattern(policy);
  const annotation = policy.annotations?.["path"];
  if (scope === null || annotation === null) return null;
  if (annotation === undefined) return scope;
  try {
    return patternSubsumes([parsePattern(scope)], parsePattern(annotation)) ? annotation : null;
  } catch {
    // No pattern of ours: nothing is granted or denied by it here.
    return null;
  }
}

function scopePattern({ resource }: PolicyJson): string | null {
  if (resource.op === "All") return "/**";
  // Whether a path is a file or a directory is not known here: `is` would be compiled to more than it says.
  const named = resource.op === "is" ? null : entityOf(resource.entity);
  if (named === null || !named.id.startsWith("/")) return null;
  const path = named.id === "/" ? "" : escapePattern(named.id);
  // Cedar's in holds for the directory itself too.
  if (named.type === "Dir" && resource.op !== "==") return `${path}/**`;
  return resource.op === "==" ? path || "/" : null;
}
