import type { Request } from "../../protocol/message.ts";
import type { NetworkGrant } from "../network.ts";
import { RIGHT } from "../rights.ts";
import type { Rule } from "../rule.ts";
import { covers, limitsContent } from "./acts.ts";
import type { Action, Budget, Capability, CapabilityChain, Grant, OnRevoke } from "./capability.ts";
import { checkLifetime } from "./lifetime.ts";
import { checkMaxSize } from "./max_size.ts";
import { checkPath } from "./path_target.ts";
import { checkWindow, windowChangesMs } from "./time_window.ts";

/**
 * A capability in the terms of decide(). Three sets of rules, for a right on a path does not say what for: a file that may be
 * moved is not one that may be deleted, and a program that may run is not one that may be read. Which one a request is decided
 * by says `ruleSetOf`.
 */
export type CompiledCapability = {
  readonly leaf: Capability;
  /** Those that hold now. */
  readonly grants: readonly Grant[];
  readonly rules: { readonly [set in RuleSet]: readonly Rule[] };
  /** For NetworkPolicy. */
  readonly hosts: readonly NetworkGrant[];
  /** Ports of the loopback that may be listened on. */
  readonly listen: readonly NetworkGrant[];
  /** From the issuer's own to the leaf: what is used is taken from each. */
  readonly budgets: readonly { readonly id: string; readonly budget: Budget }[];
  /** Until then it stays so: a window opens or closes, or its life ends. */
  readonly validUntilMs: number;
  readonly onRevoke: OnRevoke;
  /** Whether some grant limits the size or type of files, so that `fileLimitsOf` has to be asked. */
  readonly limits: "none" | "some";
};
export type RuleSet = "files" | "rename" | "exec";

/**
 * What a granted action asks of decide(). Append has no rights: whoever holds a descriptor may clear O_APPEND (fcntl(2),
 * F_SETFL) and write anywhere, so to add and nothing else takes a write whose whole the broker compares when it is committed.
 */
const RIGHTS: { readonly [action in Action]: readonly [RuleSet, number] | null } = {
  read: ["files", RIGHT.read | RIGHT.stat],
  write: ["files", RIGHT.write | RIGHT.create | RIGHT.stat],
  append: ["files", RIGHT.stat],
  create: ["files", RIGHT.create | RIGHT.stat],
  delete: ["files", RIGHT.delete | RIGHT.stat],
  rename: ["rename", RIGHT.delete | RIGHT.create | RIGHT.write],
  list: ["files", RIGHT.list | RIGHT.stat],
  stat: ["files", RIGHT.stat],
  metadata: ["files", RIGHT.metadata | RIGHT.stat],
  exec: ["exec", RIGHT.execute | RIGHT.read],
  connect: ["files", RIGHT.connect],
  listen: null,
};
/** May be done with whatever the action is good for: the rename and exec sets do not serve a stat. */
const LOOKED_AT: readonly Action[] = ["rename", "exec"];

/** The set that decides on a request. */
export function ruleSetOf({ op }: Request): RuleSet {
  return op === "rename" || op === "exec" ? op : "files";
}

/**
 * What the chain grants at `timeMs`; out of its life that is nothing. Only the leaf is compiled: that it is within its ancestors has
 * been shown. Their budgets stay. In records and messages a rule is "token.grant-" with the number of the action.
 */
export function compileCapability(chain: CapabilityChain, timeMs: number): CompiledCapability {
  const leaf = chain.at(-1)!;
  const rules: { readonly [set in RuleSet]: Rule[] } = { files: [], rename: [], exec: [] };
  const alive = chain.every((capability) => checkLifetime(capability, timeMs));
  const open = [...leaf.grants.entries()].filter(([, { window }]) => alive && checkWindow(window, timeMs));
  for (const [at, grant] of open) addRules(rules, leaf, grant, at);
  const of = (action: Action): NetworkGrant[] =>
    open.flatMap(([, { action: own, target }]) =>
      own === action && target.kind === "host" ? [target.host] : [],
    );
  const edges = chain.flatMap(({ notBeforeMs, expiresMs }) => [notBeforeMs, expiresMs]);
  const changes = leaf.grants.map(({ window }) => windowChangesMs(window, timeMs));
  return {
    leaf,
    grants: open.map(([, grant]) => grant),
    rules,
    hosts: of("connect"),
    listen: of("listen"),
    budgets: chain.map(({ id, budget }) => ({ id, budget })),
    validUntilMs: Math.min(...[...edges, ...changes].filter((edge) => edge > timeMs)),
    onRevoke: leaf.onRevoke,
    limits: open.some(([, grant]) => grant.action === "append" || limitsContent(grant)) ? "some" : "none",
  };
}

/** What a file may be: each grant that could let the action be done, with its limits. None: nothing lets it. */
export type FileLimit = {
  readonly maxSizeBytes: number | null;
  readonly mimeTypes: readonly string[] | null;
};

/**
 * The limits under which `path` may be read, written or added to; the file has to keep to one of them as a whole. None: it may not.
 * `sizeBytes` leaves out those for which it is too large already.
 */
export function fileLimitsOf(
  { grants }: CompiledCapability,
  action: "read" | "write" | "append",
  path: string,
  sizeBytes = 0,
): readonly FileLimit[] {
  return grants
    .filter(
      ({ action: own, target, maxSizeBytes }) =>
        covers(own, action) &&
        target.kind === "path" &&
        checkPath(target.pattern, path) &&
        checkMaxSize(maxSizeBytes, sizeBytes),
    )
    .map(({ maxSizeBytes = null, mimeTypes = null }) => ({ maxSizeBytes, mimeTypes }));
}

function addRules(
  rules: { readonly [set in RuleSet]: Rule[] },
  leaf: Capability,
  grant: Grant,
  at: number,
): void {
  const entry = RIGHTS[grant.action];
  if (entry === null || grant.target.kind !== "path") return;
  const [set, rights] = entry;
  const rule = (granted: number): Rule => ({
    id: `token.grant-${at}`,
    effect: "allow",
    rights: granted,
    pattern: (grant.target as { readonly pattern: string }).pattern,
    reason: `action ${at} ("${grant.action}") of the capability ${leaf.id}`,
  });
  rules[set].push(rule(rights));
  if (LOOKED_AT.includes(grant.action)) rules.files.push(rule(RIGHT.stat));
}
