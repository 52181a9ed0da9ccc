import { ANY_ONE, ANY_RUN, type Segment } from "./pattern.ts";
import { segmentSubsumes } from "./segment_subsumes.ts";

/**
 * Says whether some path may be matched by both. false is never wrong; true may be where two wildcards in one segment exclude
 * each other.
 */
export function patternsMeet(a: readonly Segment[], b: readonly Segment[]): boolean {
  const known = new Map<number, boolean>();
  const meet = (i: number, j: number): boolean => {
    const key = i * (b.length + 1) + j;
    const before = known.get(key);
    if (before !== undefined) return before;
    known.set(key, false);
    const found = meetAt(i, j);
    known.set(key, found);
    return found;
  };
  const meetAt = (i: number, j: number): boolean => {
    const left = a[i];
    const right = b[j];
    if (left === undefined && right === undefined) return true;
    if (left?.kind === "deep") return meet(i + 1, j) || (right !== undefined && meet(i, j + 1));
    if (right?.kind === "deep") return meet(i, j + 1) || (left !== undefined && meet(i + 1, j));
    if (left === undefined || right === undefined) return false;
    return segmentsMeet(left, right) && meet(i + 1, j + 1);
  };
  return meet(0, 0);
}

/** More than any literal name takes. */
const MAX_EFFORT = 1_000_000;

type OneSegment = Exclude<Segment, { kind: "deep" }>;

function segmentsMeet(a: OneSegment, b: OneSegment): boolean {
  if (a.kind === "any" || b.kind === "any") return true;
  if (a.kind === "literal") return segmentSubsumes(b, a, { left: MAX_EFFORT });
  if (b.kind === "literal") return segmentSubsumes(a, b, { left: MAX_EFFORT });
  return sameEnd(a.units, b.units, 1) && sameEnd(a.units, b.units, -1);
}

/** Whether the literal heads (or, with step -1, tails) agree as far as both go. */
function sameEnd(a: readonly number[], b: readonly number[], step: 1 | -1): boolean {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const left = a[step === 1 ? at : a.length - 1 - at]!;
    const right = b[step === 1 ? at : b.length - 1 - at]!;
    if (left === ANY_RUN || right === ANY_RUN) return true;
    if (left !== ANY_ONE && right !== ANY_ONE && left !== right) return false;
  }
  return true;
}
