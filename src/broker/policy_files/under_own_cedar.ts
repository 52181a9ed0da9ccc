import { type Case, type CaseResult, policiesOf, runCase, timeOf } from "../../policy/compare/cases.ts";
import { applyLayers } from "../../policy/layers/apply.ts";
import type { Layer } from "../../policy/layers/layer.ts";
import { expandPattern } from "../../policy/pattern.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { ownCedar } from "../cedar/bound.ts";
import { startCedar } from "../cedar/slow_path.ts";
import { floorOf } from "../layers/floor.ts";
import { rulesOf } from "../rules.ts";
import { NOWHERE } from "./nowhere.ts";

/** Whom cases act for. */
const AGENT = "agent";

/** A profile under the Cedar policies that it brings along, without a run. Throws INVALID for policies that can not be used. */
export function underOwnCedar(profile: ResolvedProfile): {
  readonly own: readonly Layer[];
  readonly bound: ResolvedProfile;
  readonly answer: (one: Case) => CaseResult;
} {
  const own = ownCedar(profile, AGENT);
  const bound = own.length === 0 ? profile : applyLayers(profile, own, floorOf());
  const [policy, network] = policiesOf(
    profile.name,
    rulesOf({ profile: bound }, NOWHERE),
    bound.network.allow,
  );
  let nowMs = 0;
  const cedar = startCedar(own, { agent: AGENT, run: "", uid: 0, nowMs: () => nowMs });
  const answer = (one: Case): CaseResult => {
    nowMs = timeOf(one);
    const path = one.path === null ? null : expandPattern(one.path, NOWHERE);
    return runCase(policy, network, { ...one, path }, cedar);
  };
  return { own, bound, answer };
}
