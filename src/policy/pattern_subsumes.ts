import type { Segment } from "./pattern.ts";
import { segmentSubsumes } from "./segment_subsumes.ts";

/** Pairs of states that are looked at; what needs more is not subsumed. */
const MAX_STATES = 4096;

/**
 * Says whether each path that `child` matches is matched by one of `parents`. Sound: true is never wrong. It may be false where only
 * several parents together cover a wildcard of the child, and where the walk is longer than `MAX_STATES`: whoever delegates then
 * writes the narrower pattern more plainly.
 */
export function patternSubsumes(
  parents: readonly (readonly Segment[])[],
  child: readonly Segment[],
): boolean {
  const seen = new Set<string>();
  const waiting: { readonly at: number; readonly held: readonly Place[] }[] = [];
  const visit = (at: number, held: readonly Place[]): boolean => {
    if (held.length === 0) return false;
    const key = `${at}:${held.map(({ parent, at }) => `${parent}.${at}`).join(",")}`;
    if (!seen.has(key)) {
      seen.add(key);
      waiting.push({ at, held });
    }
    return seen.size <= MAX_STATES;
  };
  const start = closed(
    parents.map((_, parent) => ({ parent, at: 0 })),
    parents,
  );
  if (!visit(0, start)) return false;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { at, held } = next;
    const segment = child[at];
    if (segment === undefined) {
      if (!held.some((place) => place.at === parents[place.parent]!.length)) return false;
    } else if (segment.kind === "deep") {
      if (!visit(at + 1, held) || !visit(at, stepped(held, { kind: "any" }, parents))) return false;
    } else if (!visit(at + 1, stepped(held, segment, parents))) return false;
  }
  return true;
}

/** A position in one of the parents. */
type Place = { readonly parent: number; readonly at: number };

/** Where all names that `segment` matches lead. */
function stepped(
  held: readonly Place[],
  segment: Exclude<Segment, { kind: "deep" }>,
  parents: readonly (readonly Segment[])[],
): readonly Place[] {
  const next: Place[] = [];
  for (const { parent, at } of held) {
    const wide = parents[parent]![at];
    if (wide === undefined) continue;
    if (wide.kind === "deep") next.push({ parent, at });
    else if (segmentSubsumes(wide, segment)) next.push({ parent, at: at + 1 });
  }
  return closed(next, parents);
}

function closed(held: readonly Place[], parents: readonly (readonly Segment[])[]): readonly Place[] {
  const all = new Map<string, Place>();
  const add = (place: Place): void => {
    const key = `${place.parent}.${place.at}`;
    if (all.has(key)) return;
    all.set(key, place);
    if (parents[place.parent]![place.at]?.kind === "deep") add({ parent: place.parent, at: place.at + 1 });
  };
  for (const place of held) add(place);
  return [...all.values()].sort((a, b) => a.parent - b.parent || a.at - b.at);
}
