import { ANY_ONE, ANY_RUN, type Segment } from "./pattern.ts";

type OneSegment = Exclude<Segment, { kind: "deep" }>;
/** Stands for every code point that neither side names. */
const OTHER = -3;
/** Pairs of a position and a set that are looked at: a hostile parent such as "*a??????" has a set for each history. */
const MAX_STATES = 1024;

/**
 * Says whether each name that `child` matches is matched by `parent`: a walk over the positions of the child and the sets of
 * positions of the parent, with one stand-in for all code points that neither names. Exact up to `MAX_STATES`, false beyond.
 */
export function segmentSubsumes(parent: OneSegment, child: OneSegment): boolean {
  if (parent.kind === "any") return true;
  if (parent.kind === "literal") return child.kind === "literal" && child.text === parent.text;
  const wide = pointsOf(parent);
  const narrow = pointsOf(child);
  if (wide.length === narrow.length && wide.every((point, at) => point === narrow[at])) return true;
  const alphabet = [...new Set([...wide, ...narrow].filter((point) => point >= 0)), OTHER];
  const seen = new Set<string>();
  const waiting: { readonly at: number; readonly held: readonly number[] }[] = [];
  const visit = (at: number, held: readonly number[]): boolean => {
    if (held.length === 0) return false;
    const key = `${at}:${held.join(",")}`;
    if (!seen.has(key)) {
      seen.add(key);
      waiting.push({ at, held });
    }
    return seen.size <= MAX_STATES;
  };
  visit(0, closed([0], wide));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { at, held } = next;
    const point = narrow[at];
    if (point === undefined) {
      if (!held.includes(wide.length)) return false;
      continue;
    }
    if (point === ANY_RUN && !visit(at + 1, held)) return false;
    for (const symbol of point >= 0 ? [point] : alphabet) {
      if (!visit(point === ANY_RUN ? at : at + 1, stepped(held, symbol, wide))) return false;
    }
  }
  return true;
}

function pointsOf(segment: OneSegment): readonly number[] {
  if (segment.kind === "any") return [ANY_ONE, ANY_RUN];
  if (segment.kind === "literal") return Array.from(segment.text, (point) => point.codePointAt(0)!);
  return joined(segment.units);
}

/** Surrogate pairs become the code points that they stand for. */
function joined(units: readonly number[]): readonly number[] {
  const points: number[] = [];
  for (const unit of units) {
    const before = points.at(-1);
    if (before !== undefined && isHigh(before) && unit >= 0xdc00 && unit <= 0xdfff)
      points[points.length - 1] = ((before - 0xd800) << 10) + (unit - 0xdc00) + 0x10000;
    else points.push(unit);
  }
  return points;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function stepped(held: readonly number[], symbol: number, points: readonly number[]): readonly number[] {
  const next: number[] = [];
  for (const at of held) {
    const point = points[at];
    if (point === ANY_RUN) next.push(at);
    else if (point === ANY_ONE || point === symbol) next.push(at + 1);
  }
  return closed(next, points);
}

/** A run of none leads on. The positions come sorted and once each. */
function closed(held: readonly number[], points: readonly number[]): readonly number[] {
  const all = new Set(held);
  for (const at of all) if (points[at] === ANY_RUN) all.add(at + 1);
  return [...all].sort((a, b) => a - b);
}
