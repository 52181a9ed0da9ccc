import type { Case, CaseResult } from "../../policy/compare/cases.ts";
import type { Layer } from "../../policy/layers/layer.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { chosenProfile } from "../saved_profiles.ts";
import { NOWHERE } from "./nowhere.ts";
import { type PlaceOf, rulePlaces } from "./rule_places.ts";
import { underOwnCedar } from "./under_own_cedar.ts";

/** A profile as it is written, by name or file, under its own Cedar policies, without a run and without the layers of this machine. */
export type WrittenPolicy = {
  readonly profile: ResolvedProfile;
  /** Its Cedar policies, as layers. */
  readonly own: readonly Layer[];
  /** Asks one case, with variables that are not filled in yet. */
  answer(one: Case): CaseResult;
  readonly placeOf: PlaceOf;
};

/** Throws INVALID for Cedar policies that can not be used. */
export function writtenPolicy(nameOrFile: string): WrittenPolicy {
  const { profile, profileFile } = chosenProfile(nameOrFile, undefined);
  const { own, bound, answer } = underOwnCedar(profile);
  return { profile: bound, own, answer, placeOf: rulePlaces(profile.lineage, profileFile, own, NOWHERE) };
}
