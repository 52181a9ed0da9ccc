/** Where a layer would grant what one above it does not. */
import type { Place } from "../lint/finding.ts";
import { formatNetworkGrant, type NetworkGrant, parseNetworkGrant } from "../network.ts";
import { expandPattern, parsePattern, type Variables } from "../pattern.ts";
import { patternSubsumes } from "../pattern_subsumes.ts";
import type { ResolvedProfile } from "../profile.ts";
import { RIGHT, type RightName, rightNames } from "../rights.ts";
import { ceilingOf } from "./apply.ts";
import { hostWithin } from "./hosts.ts";
import { LAYER_KINDS, type Layer } from "./layer.ts";

export type Widening = Place & {
  readonly file: string;
  /** What it would grant, as "write on /etc/**". */
  readonly what: string;
  /** What does not grant it: FILE:LINE of a layer, or the profile. */
  readonly beyond: string;
};

/**
 * Compares each layer with those above it, and a project with the profile as well: a pattern in the workspace is no grant where the
 * profile gives none, one elsewhere would be a claim on what the profile does not give.
 */
export function widenings(
  profile: ResolvedProfile,
  layers: readonly Layer[],
  places: Variables,
  floor: (right: RightName) => readonly string[],
): Widening[] {
  const found: Widening[] = [];
  for (const layer of layers) {
    const above = layers.filter((other) => LAYER_KINDS.indexOf(other.kind) < LAYER_KINDS.indexOf(layer.kind));
    for (const rule of layer.rules) {
      if (rule.effect !== "allow") continue;
      for (const right of rightNames(rule.rights & ~RIGHT.stat)) {
        for (const { text, place } of rule.paths) {
          const what = `${right} on ${text}`;
          const say = (beyond: string) => found.push({ file: layer.file, ...place, what, beyond });
          for (const upper of above) {
            const ceiling = ceilingOf(upper, right);
            if (ceiling === null) continue;
            const granted = [
              ...ceiling.flatMap(({ paths }) => paths.map((one) => one.text)),
              ...floor(right),
            ];
            if (!within(text, granted, places)) say(`${upper.file}:${ceiling[0]!.place.line}`);
          }
          if (layer.kind !== "project" || within(text, ["${workspace}", "${workspace}/**"], places)) continue;
          const granting = profile.rules.filter(
            (one) => one.effect === "allow" && (one.rights & RIGHT[right]) !== 0,
          );
          if (
            !within(
              text,
              granting.flatMap(({ patterns }) => patterns),
              places,
            )
          )
            say(`profile ${profile.name}`);
        }
      }
    }
    found.push(...widerHosts(layer, above, profile));
  }
  return found;
}

function widerHosts(layer: Layer, above: readonly Layer[], profile: ResolvedProfile): Widening[] {
  const found: Widening[] = [];
  const bounds = above.flatMap((upper) =>
    upper.network.allow === null
      ? []
      : [
          {
            name: upper.where("network", "allow"),
            allow: grantsOf(upper.network.allow.map(({ text }) => text)),
          },
        ],
  );
  if (layer.kind === "project")
    bounds.push({ name: `profile ${profile.name}`, allow: grantsOf(profile.network.allow) });
  for (const { text, place } of layer.network.allow ?? []) {
    const grant = parseNetworkGrant(text)!;
    const beyond = bounds.find(({ allow }) => !hostWithin(grant, allow));
    if (beyond !== undefined)
      found.push({
        file: layer.file,
        ...place,
        what: `the host ${formatNetworkGrant(grant)}`,
        beyond: beyond.name,
      });
  }
  return found;
}

function grantsOf(texts: readonly string[]): NetworkGrant[] {
  return texts.map(parseNetworkGrant).filter((grant) => grant !== null);
}

function within(pattern: string, wide: readonly string[], places: Variables): boolean {
  const segments = (text: string) => parsePattern(expandPattern(text, places));
  return patternSubsumes(wide.map(segments), segments(pattern));
}
