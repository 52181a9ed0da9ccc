import { isFields, profileProblems } from "../profile_fields.ts";
import { lintEnvironment } from "./environment.ts";
import { lintFields } from "./fields.ts";
import { type Finding, Findings, pathOf, type Source } from "./finding.ts";
import { lintNative } from "./grants.ts";
import { lintLimits } from "./limits.ts";
import { type Known, lintLineage } from "./lineage.ts";
import { lintNetwork } from "./network.ts";
import { lintRules } from "./rules.ts";
import { type KnownNames, lintStrength } from "./strength.ts";
import { textTraps } from "./text_traps.ts";
import { lintValues } from "./values.ts";

export type ProfileSurroundings = KnownNames & {
  /** Profiles and packs that it may extend. */
  readonly known: Known;
};

/** Everything that is wrong, or seldom meant, in a profile. `broken` is what its YAML is refused for. */
export function lintProfile(
  source: Source,
  broken: readonly Finding[],
  around: ProfileSurroundings,
): readonly Finding[] {
  const found = new Findings(source);
  const traps = textTraps(source.text);
  for (const one of traps) found.add(one);
  // A parser stumbles over what a trap has named already.
  const named = new Set(traps.filter(({ severity }) => severity === "error").map(({ line }) => line));
  for (const one of broken) if (!named.has(one.line)) found.add(one);
  const { value } = source;
  if (value === null && broken.length > 0) return found.sorted;
  lintFields(value, found);
  if (!isFields(value)) return found.sorted;
  lintValues(value, found);
  lintLineage(value, around.known, found);
  lintRules(value, around.known, found);
  lintNative(value, found);
  lintNetwork(value, found);
  lintEnvironment(value, found);
  lintLimits(value, found);
  lintStrength(value, around, found);
  // What the reader of profiles refuses and nothing above has explained.
  for (const problem of profileProblems(value)) {
    const at = pathOf(problem);
    const missing = problem.problem === "is missing";
    // What is missing was often written under another name, which has been said.
    if (found.speaksOf(missing && at.length > 1 ? at.slice(0, -1) : at)) continue;
    found.error(missing ? "field.missing" : "field.form", at, problem.problem, problem.remedy);
  }
  return found.sorted;
}
