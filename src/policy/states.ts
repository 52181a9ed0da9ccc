import { buildEdgeTable, buildSegmentTable, type EdgeTable, type SegmentTable } from "./hash.ts";
import { ANY_ONE, ANY_RUN, parsePattern, type Segment } from "./pattern.ts";
import { DENIED_SHIFT } from "./rights.ts";
import type { Rule } from "./rule.ts";

/**
 * The rules as one automaton: a trie of pattern segments, in typed arrays. State 0 is the root. A state is reached over one
 * edge only, so no step can reach it twice; a deep state ("**") loops on itself, and is entered without a segment.
 */
export type States = {
  readonly rules: readonly Rule[];
  readonly count: number;
  readonly segments: SegmentTable;
  readonly edges: EdgeTable;
  /** STRIDE numbers a state, at the places named in STATE. */
  readonly table: Int32Array;
  /** WILD_STRIDE numbers a wildcard edge: its glob, the next state, the glob's first and last unit. */
  readonly wild: Int32Array;
  /** Units of a glob from `globStarts[g]` to `globStarts[g + 1]`. */
  readonly globUnits: Int32Array;
  readonly globStarts: Int32Array;
  /** Rule numbers of the states that accept, in their order. */
  readonly accepts: Int32Array;
  /** The state that leads to this one. */
  readonly parents: Int32Array;
  /** Segments of the pattern up to this state. */
  readonly depths: Uint8Array;
};

export const STRIDE = 8;
export const WILD_STRIDE = 4;
export const STATE = {
  /** Rights granted here, and those denied here shifted by DENIED_SHIFT. */
  mask: 0,
  literals: 1,
  /** Next states over `*` and `**`; 0 for none. */
  any: 2,
  deep: 3,
  wildStart: 4,
  wildEnd: 5,
  acceptStart: 6,
  acceptEnd: 7,
} as const;

type Node = {
  readonly parent: number;
  readonly depth: number;
  readonly literals: Map<string, number>;
  readonly globs: Map<string, { readonly units: readonly number[]; readonly next: number }>;
  readonly accepts: number[];
  any: number;
  deep: number;
};

/** Throws INVALID for a pattern that does not parse. `seed` keys the hash tables and changes no result. */
export function buildStates(rules: readonly Rule[], seed: number): States {
  const nodes: Node[] = [makeNode(0, 0)];
  rules.forEach((rule, number) => {
    let at = 0;
    for (const segment of parsePattern(rule.pattern)) at = follow(nodes, at, segment);
    nodes[at]!.accepts.push(number);
  });
  return pack(rules, nodes, seed);
}

function makeNode(parent: number, depth: number): Node {
  return { parent, depth, literals: new Map(), globs: new Map(), accepts: [], any: 0, deep: 0 };
}

/** The state behind `segment`, made where it is missing. */
function follow(nodes: Node[], at: number, segment: Segment): number {
  const node = nodes[at]!;
  const next = nodes.length;
  const known = nextOf(node, segment);
  if (known !== undefined) return known;
  nodes.push(makeNode(at, node.depth + 1));
  if (segment.kind === "literal") node.literals.set(segment.text, next);
  else if (segment.kind === "glob") node.globs.set(segment.units.join(), { units: segment.units, next });
  else node[segment.kind] = next;
  return next;
}

function nextOf(node: Node, segment: Segment): number | undefined {
  if (segment.kind === "literal") return node.literals.get(segment.text);
  if (segment.kind === "glob") return node.globs.get(segment.units.join())?.next;
  return node[segment.kind] === 0 ? undefined : node[segment.kind];
}

function pack(rules: readonly Rule[], nodes: readonly Node[], seed: number): States {
  const table = new Int32Array(nodes.length * STRIDE);
  const numbers = new Map<string, number>();
  const edges: number[] = [];
  const wild: number[] = [];
  const globUnits: number[] = [];
  const globStarts = [0];
  const accepts: number[] = [];
  nodes.forEach((node, state) => {
    const at = state * STRIDE;
    for (const [text, next] of node.literals) {
      const number = numbers.get(text) ?? numbers.size;
      numbers.set(text, number);
      edges.push(state, number, next);
    }
    table[at + STATE.literals] = node.literals.size;
    table[at + STATE.any] = node.any;
    table[at + STATE.deep] = node.deep;
    table[at + STATE.wildStart] = wild.length;
    for (const { units, next } of node.globs.values()) {
      wild.push(globStarts.length - 1, next, units[0]!, units.at(-1)!);
      for (const unit of units) globUnits.push(unit);
      globStarts.push(globUnits.length);
    }
    table[at + STATE.wildEnd] = wild.length;
    table[at + STATE.acceptStart] = accepts.length;
    for (const number of node.accepts) {
      const { effect, rights } = rules[number]!;
      table[at + STATE.mask]! |= effect === "allow" ? rights : rights << DENIED_SHIFT;
      accepts.push(number);
    }
    table[at + STATE.acceptEnd] = accepts.length;
  });
  return {
    rules,
    count: nodes.length,
    segments: buildSegmentTable([...numbers.keys()], seed),
    edges: buildEdgeTable(edges, seed),
    table,
    wild: Int32Array.from(wild),
    globUnits: Int32Array.from(globUnits),
    globStarts: Int32Array.from(globStarts),
    accepts: Int32Array.from(accepts),
    parents: Int32Array.from(nodes, (node) => node.parent),
    depths: Uint8Array.from(nodes, (node) => node.depth),
  };
}

/**
 * Matches `units` from `low` to `high` against a segment, `path` from `start` to `end`. Gives the steps it took, negative
 * when there is no match. Only the last run is tried again, so the steps are at most the product of both lengths; it stops
 * without a match at `budget` steps.
 */
export function matchGlob(
  units: Int32Array,
  low: number,
  high: number,
  path: string,
  start: number,
  end: number,
  budget: number,
): number {
  let steps = 1;
  let at = start;
  let unit = low;
  let runUnit = -1;
  let runAt = 0;
  while (at < end) {
    if (++steps > budget) return -steps;
    const wanted = unit < high ? units[unit]! : -3;
    if (wanted === path.charCodeAt(at)) {
      at++;
      unit++;
    } else if (wanted === ANY_ONE) {
      at = skipPoint(path, at, end);
      unit++;
    } else if (wanted === ANY_RUN) {
      runUnit = ++unit;
      runAt = at;
    } else if (runUnit !== -1) {
      runAt = skipPoint(path, runAt, end);
      at = runAt;
      unit = runUnit;
    } else return -steps;
  }
  while (unit < high && units[unit] === ANY_RUN) unit++;
  return unit === high ? steps : -steps;
}

function skipPoint(path: string, at: number, end: number): number {
  const isHigh = (path.charCodeAt(at) & 0xfc00) === 0xd800;
  return isHigh && at + 1 < end ? at + 2 : at + 1;
}
