import { compilePolicy, type Policy } from "../policy/decide.ts";
import { escapePattern } from "../policy/pattern.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { ALL_RIGHTS, RIGHT } from "../policy/rights.ts";
import type { Rule } from "../policy/rule.ts";
import { LEARNED } from "./observer.ts";
import { packRules } from "./profiles.ts";
import { nativePaths, rulesOf } from "./rules.ts";
import type { Places } from "./workspace.ts";

const CHANGE = RIGHT.write | RIGHT.create | RIGHT.delete | RIGHT.metadata;
const PLANTED = "What is written there is run by somebody else, with all of their authority";

/**
 * The policy of a run that is observed: everything is granted, but for what a rule of the profile or of pack:learning denies.
 * No socket is connected to for being watched. Trees that may be executed are changed by nobody who is only watched, but for the places that are the program's own.
 */
export function observingPolicy(profile: ResolvedProfile, base: readonly Rule[], places: Places): Policy {
  const pack = { ...profile, rules: packRules("pack:learning") };
  const never = rulesOf({ profile: pack }, places).filter(({ effect }) => effect === "deny");
  const own = [places.workspace, places.tmp];
  const executable = nativePaths(profile, places).execute.filter((path) => !own.includes(path));
  return compilePolicy(profile.name, [
    ...base,
    ...["/", "/**"].map((pattern) => granting(pattern)),
    ...never,
    ...executable.flatMap((tree) => ["", "/**"].map((below) => denying(`${escapePattern(tree)}${below}`))),
  ]);
}

function granting(pattern: string): Rule {
  return {
    id: LEARNED,
    effect: "allow",
    rights: ALL_RIGHTS & ~RIGHT.connect,
    pattern,
    reason: "Granted so that it is seen",
  };
}

function denying(pattern: string): Rule {
  const remedy = "Write a rule for it by hand, in a profile of your own";
  return { id: "learning.programs", effect: "deny", rights: CHANGE, pattern, reason: PLANTED, remedy };
}
