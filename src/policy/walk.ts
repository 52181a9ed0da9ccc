import { MAX_PATH_BYTES } from "../protocol/limits.ts";
import { isCleanPath } from "../protocol/path.ts";
import { MAX_PROBES, mixEdge, mixUnit } from "./hash.ts";
import { matchGlob, STATE, STRIDE, type States, WILD_STRIDE } from "./states.ts";

/**
 * Steps of one decision, 5 to 7 ns each: two a segment, one or two a state that takes it, one a wildcard edge and one a unit
 * compared with a glob. A usual path takes some 30; with seven names denied anywhere, one of 1 000 segments still passes.
 */
export const MAX_STEPS = 6_144;

/**
 * What a walk leaves behind, valid until the next walk. One walk at a time: they are synchronous and call nothing foreign.
 * A deep state stays for good, so it is kept apart: `deep` are those with edges, and `held` those that accept, for whatever
 * comes after them. Nothing is copied from step to step that can not change.
 */
export type Trace = {
  current: Int32Array;
  currentCount: number;
  next: Int32Array;
  readonly deep: Int32Array;
  deepCount: number;
  readonly held: Int32Array;
  heldCount: number;
  /** By state: the walk in which a deep state was entered last. */
  readonly entered: Int32Array;
  walk: number;
  steps: number;
};

export function makeTrace(states: States): Trace {
  const array = () => new Int32Array(states.count);
  return {
    current: array(),
    currentCount: 0,
    next: array(),
    deep: array(),
    deepCount: 0,
    held: array(),
    heldCount: 0,
    entered: array(),
    walk: 0,
    steps: 0,
  };
}

/**
 * Runs the automaton over a whole path and leaves its states in `trace`. False when the path is not canonical, which
 * includes any "..", or when it takes more than `budget` steps: the caller then refuses.
 */
export function walkPath(states: States, trace: Trace, path: string, budget: number): boolean {
  const length = path.length;
  if (length === 0 || length > MAX_PATH_BYTES || path.charCodeAt(0) !== 47) return false;
  begin(states, trace);
  if (length === 1) return true;
  const { start: hashStart, factor } = states.segments;
  let all = 0;
  let at = 1;
  while (at <= length) {
    const start = at;
    let hash = hashStart;
    let unit = 0;
    for (; at < length; at++) {
      unit = path.charCodeAt(at);
      if (unit === 47) break;
      if (unit === 0) return false;
      all |= unit;
      hash = mixUnit(hash, unit, factor);
    }
    const size = at - start;
    if (size === 0) return false;
    if (size <= 2 && path.charCodeAt(start) === 46 && (size === 1 || path.charCodeAt(start + 1) === 46))
      return false;
    // Nothing can match any more, yet the rest must still be canonical: a refusal may not depend on the rules.
    if (trace.currentCount + trace.deepCount !== 0) {
      step(states, trace, path, start, at, hash, budget);
      if (trace.steps > budget) return false;
    }
    at++;
  }
  return all < 0x80 || isCleanPath(path);
}

function begin(states: States, trace: Trace): void {
  trace.deepCount = 0;
  trace.heldCount = 0;
  trace.steps = 0;
  // After 2^31 walks old marks would look new.
  if (++trace.walk === 0x7fff_ffff) {
    trace.entered.fill(0);
    trace.walk = 1;
  }
  trace.current[0] = 0;
  trace.currentCount = 1;
  const deep = states.table[STATE.deep]!;
  if (deep !== 0) enterDeep(states, trace, deep);
}

function enterDeep(states: States, trace: Trace, first: number): void {
  const { table } = states;
  for (let state = first; state !== 0; state = table[state * STRIDE + STATE.deep]!) {
    if (trace.entered[state] === trace.walk) return;
    trace.entered[state] = trace.walk;
    const at = state * STRIDE;
    if (table[at + STATE.mask] !== 0) trace.held[trace.heldCount++] = state;
    const hasEdges = table[at + STATE.literals] !== 0 || table[at + STATE.any] !== 0;
    if (hasEdges || table[at + STATE.wildStart] !== table[at + STATE.wildEnd])
      trace.deep[trace.deepCount++] = state;
  }
}

/** Takes one segment, `path` from `start` to `end`. */
function step(
  states: States,
  trace: Trace,
  path: string,
  start: number,
  end: number,
  hash: number,
  budget: number,
): void {
  const { table, wild, globUnits, globStarts } = states;
  const { current, next, deep } = trace;
  const segment = findSegment(states, path, start, end, hash);
  const deepCount = trace.deepCount;
  const total = trace.currentCount + deepCount;
  let steps = trace.steps + total + 2;
  const first = path.charCodeAt(start);
  const last = path.charCodeAt(end - 1);
  let count = 0;
  for (let i = 0; i < total; i++) {
    const state = i < deepCount ? deep[i]! : current[i - deepCount]!;
    const at = state * STRIDE;
    if (segment !== -1 && table[at + STATE.literals] !== 0) {
      steps++;
      const found = findEdge(states, state, segment);
      if (found !== 0) next[count++] = found;
    }
    const any = table[at + STATE.any]!;
    if (any !== 0) next[count++] = any;
    const wildEnd = table[at + STATE.wildEnd]!;
    for (let edge = table[at + STATE.wildStart]!; edge < wildEnd; edge += WILD_STRIDE) {
      steps++;
      // Most names fail on one of their ends, at "*.pdf" or ".env*"; a wildcard there is negative and fails nothing.
      const firstUnit = wild[edge + 2]!;
      const lastUnit = wild[edge + 3]!;
      if (firstUnit >= 0 && firstUnit !== first) continue;
      if (lastUnit >= 0 && lastUnit !== last) continue;
      const glob = wild[edge]!;
      const took = matchGlob(
        globUnits,
        globStarts[glob]!,
        globStarts[glob + 1]!,
        path,
        start,
        end,
        budget - steps,
      );
      steps += took < 0 ? -took : took;
      if (took > 0) next[count++] = wild[edge + 1]!;
    }
    if (steps > budget) break;
  }
  trace.steps = steps;
  for (let i = 0; i < count; i++) {
    const entered = table[next[i]! * STRIDE + STATE.deep]!;
    if (entered !== 0) enterDeep(states, trace, entered);
  }
  trace.current = next;
  trace.next = current;
  trace.currentCount = count;
}

/** The segment's number, or -1 when no pattern holds it. The text is compared: equal hashes prove nothing. */
function findSegment(states: States, path: string, start: number, end: number, hash: number): number {
  const { slots, mask, lengths, units } = states.segments;
  for (let probe = 0; probe < MAX_PROBES; probe++) {
    const slot = ((hash + probe) & mask) * 3;
    const number = slots[slot + 2]! - 1;
    if (number === -1) return -1;
    if (slots[slot] !== hash || lengths[number] !== end - start) continue;
    const first = slots[slot + 1]! - start;
    let at = start;
    while (at < end && units[first + at] === path.charCodeAt(at)) at++;
    if (at === end) return number;
  }
  return -1;
}

function findEdge(states: States, state: number, segment: number): number {
  const { slots, mask, factor } = states.edges;
  const hash = mixEdge(state, segment, factor);
  for (let probe = 0; probe < MAX_PROBES; probe++) {
    const slot = ((hash + probe) & mask) * 3;
    const next = slots[slot + 2]!;
    if (next === 0) return 0;
    if (slots[slot] === state && slots[slot + 1] === segment) return next;
  }
  return 0;
}
