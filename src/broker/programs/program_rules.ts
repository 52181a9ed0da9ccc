import { expandPattern, parsePattern } from "../../policy/pattern.ts";
import type { ProfileRule, ResolvedProfile } from "../../policy/profile.ts";
import { compilePrograms, type ProgramPolicy, type ProgramRule } from "../../policy/programs.ts";
import { RIGHT } from "../../policy/rights.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { userByName } from "../user.ts";
import { holds, type Places } from "../workspace.ts";

/** Rules on execution are those with the right execute alone: they are matched against the file, and not in the trie of paths. */
export function isProgramRule({ rights }: ProfileRule): boolean {
  return rights === RIGHT.execute;
}

/** What a profile says about programs. Throws SETUP for an owner whom the machine does not know. */
export function programPolicy(profile: ResolvedProfile, places: Places): ProgramPolicy {
  const rules = profile.rules.filter(isProgramRule).map(
    (rule): ProgramRule => ({
      id: rule.id,
      effect: rule.effect,
      patterns: rule.patterns.map((pattern) => expandPattern(pattern, places)),
      except: rule.except.map((pattern) => expandPattern(pattern, places)),
      sha256: rule.sha256 === undefined ? null : new Set(rule.sha256),
      owners: rule.owner === undefined ? null : new Set(rule.owner.map((owner) => uidOf(owner, rule))),
      reason: rule.reason,
      remedy: rule.remedy,
    }),
  );
  return compilePrograms(profile.execution, rules);
}

/**
 * Where to look for the files of a profile: in the trees where they are told apart, and where allow rules name files beside all `trees`. A
 * pattern that names no place of its own is looked for in the trees.
 */
export function placesToLook(
  { execution, rules }: ProgramPolicy,
  toldApart: readonly string[],
  trees: readonly string[],
): { readonly inTrees: readonly string[]; readonly beside: readonly string[] } {
  const named = rules
    .filter(({ effect }) => effect === "allow")
    .flatMap(({ patterns }) => patterns.map(literalStart));
  const beside = named.filter((start) => start !== "/" && !trees.some((tree) => overlaps(tree, start)));
  if (execution.programs === "any") return { inTrees: toldApart, beside };
  const inTrees = toldApart.flatMap((tree) =>
    named.filter((start) => overlaps(tree, start)).map((start) => (holds(tree, start) ? start : tree)),
  );
  return { inTrees: [...new Set(inTrees)], beside };
}

function overlaps(one: string, other: string): boolean {
  return holds(one, other) || holds(other, one);
}

/** The path up to the first segment that is no literal. */
function literalStart(pattern: string): string {
  let start = "";
  for (const segment of parsePattern(pattern)) {
    if (segment.kind !== "literal") break;
    start += `/${segment.text}`;
  }
  return start === "" ? "/" : start;
}

function uidOf(owner: string | number, rule: ProfileRule): number {
  if (typeof owner === "number") return owner;
  try {
    return userByName(owner).uid;
  } catch (cause) {
    throw new SallyportError(
      "SETUP",
      `Cannot use rule "${rule.id}": its owner "${owner}" is not in /etc/passwd; write the uid`,
      { cause },
    );
  }
}
