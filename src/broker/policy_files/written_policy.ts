import { policiesOf } from "../../policy/compare/cases.ts";
import type { Policy } from "../../policy/decide.ts";
import type { NetworkPolicy } from "../../policy/network.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { rulesOf } from "../rules.ts";
import { chosenProfile } from "../saved_profiles.ts";
import { NOWHERE } from "./nowhere.ts";
import { type PlaceOf, rulePlaces } from "./rule_places.ts";

/** A profile as it is written, by name or file, without a run and without the layers of this machine. */
export type WrittenPolicy = {
  readonly profile: ResolvedProfile;
  readonly policy: Policy;
  readonly network: NetworkPolicy;
  readonly placeOf: PlaceOf;
};

export function writtenPolicy(nameOrFile: string): WrittenPolicy {
  const { profile, profileFile } = chosenProfile(nameOrFile, undefined);
  const [policy, network] = policiesOf(profile.name, rulesOf({ profile }, NOWHERE), profile.network.allow);
  return { profile, policy, network, placeOf: rulePlaces(profile.lineage, profileFile, [], NOWHERE) };
}
