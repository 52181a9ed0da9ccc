import { SallyportError } from "../protocol/errors.ts";
import { ALL_RIGHTS, DENIED_SHIFT } from "./rights.ts";
import type { Rule } from "./rule.ts";
import { buildStates, STATE, STRIDE, type States } from "./states.ts";
import { MAX_STEPS, makeTrace, type Trace, walkPath } from "./walk.ts";

/** Rules ready to be matched. The trace is scratch memory: a decision allocates nothing. */
export type CompiledRules = {
  readonly states: States;
  readonly trace: Trace;
  /** The deny rules alone; undefined when these already are deny rules alone, or there are none. */
  readonly denials: CompiledRules | undefined;
};

/** Result of `matchPath` for what must be refused unseen. */
export const UNDECIDABLE = -1;

/** `seed` must be unknown to whoever chooses paths. Throws INVALID for a pattern or rights that are not valid. */
export function compileRules(rules: readonly Rule[], seed: number): CompiledRules {
  for (const { id, rights } of rules) {
    if (Number.isInteger(rights) && rights > 0 && rights <= ALL_RIGHTS) continue;
    throw new SallyportError("INVALID", `Cannot compile rule "${id}": rights ${rights} are not known`, {
      field: "rights",
    });
  }
  const denying = rules.filter((rule) => rule.effect === "deny");
  const mixed = denying.length > 0 && denying.length < rules.length;
  return { ...compileStates(rules, seed), denials: mixed ? compileRules(denying, seed) : undefined };
}

/**
 * Rights that rules grant on `path` (low bits) and deny on it (from DENIED_SHIFT); UNDECIDABLE for a path that is not canonical
 * or takes too many steps. `namedDenial` and `namedGrant` tell of the path that was matched last.
 */
export function matchPath(compiled: CompiledRules, path: string): number {
  const { states, trace } = compiled;
  if (!walkPath(states, trace, path, MAX_STEPS)) {
    trace.currentCount = 0;
    trace.heldCount = 0;
    return UNDECIDABLE;
  }
  const { table } = states;
  let masks = 0;
  for (let i = 0; i < trace.currentCount; i++) masks |= table[trace.current[i]! * STRIDE + STATE.mask]!;
  for (let i = 0; i < trace.heldCount; i++) masks |= table[trace.held[i]! * STRIDE + STATE.mask]!;
  return masks;
}

/** Number of the first rule that denies one of `rights` on the path matched last; -1 for none. */
export function namedDenial(compiled: CompiledRules, rights: number): number {
  const { states, trace } = compiled;
  let first = -1;
  for (let i = 0; i < trace.currentCount + trace.heldCount; i++) {
    const at = matchedState(trace, i) * STRIDE;
    if (((states.table[at + STATE.mask]! >> DENIED_SHIFT) & rights) === 0) continue;
    const number = findRule(states, at, "deny", rights);
    if (first === -1 || number < first) first = number;
  }
  return first;
}

/**
 * Number of the most specific rule that grants one of `rights` on the path matched last: the one with the most segments,
 * and of these the last; -1 for none.
 */
export function namedGrant(compiled: CompiledRules, rights: number): number {
  const { states, trace } = compiled;
  let best = -1;
  let bestDepth = -1;
  for (let i = 0; i < trace.currentCount + trace.heldCount; i++) {
    const state = matchedState(trace, i);
    const at = state * STRIDE;
    const depth = states.depths[state]!;
    if ((states.table[at + STATE.mask]! & rights & ALL_RIGHTS) === 0 || depth < bestDepth) continue;
    const number = findRule(states, at, "allow", rights);
    if (depth > bestDepth || number > best) best = number;
    bestDepth = depth;
  }
  return best;
}

/**
 * Tells where in the deny rules a path has got to: two directories with equal signatures have the same denials below them,
 * so that moving one to the other's name changes none. The contrary does not hold. Throws INVALID for a path that is not
 * canonical.
 */
export function stateSignature(compiled: CompiledRules, path: string): string {
  const trace = traceDenials(compiled, path);
  if (trace === undefined) return "";
  const held = trace.held.subarray(0, trace.heldCount);
  const deep = trace.deep.subarray(0, trace.deepCount);
  const states = new Set([...trace.current.subarray(0, trace.currentCount), ...held, ...deep]);
  return [...states].sort((a, b) => a - b).join();
}

/** Deny rules for any of `rights` that match some name strictly below `directory`, be there one or not; in rule order. */
export function mayMatchBelow(compiled: CompiledRules, directory: string, rights: number): readonly Rule[] {
  const trace = traceDenials(compiled, directory);
  if (trace === undefined) return [];
  const { states } = denialsOf(compiled)!;
  const reached = new Uint8Array(states.count);
  const accepts = new Set<number>();
  const add = (state: number) => {
    reached[state] = 1;
    const at = state * STRIDE;
    const end = states.table[at + STATE.acceptEnd]!;
    for (let i = states.table[at + STATE.acceptStart]!; i < end; i++) {
      if ((states.rules[states.accepts[i]!]!.rights & rights) !== 0) accepts.add(states.accepts[i]!);
    }
  };
  // A deep state takes the next segment itself, any other only leads on.
  for (const state of trace.current.subarray(0, trace.currentCount)) reached[state] = 1;
  for (const state of trace.deep.subarray(0, trace.deepCount)) add(state);
  for (const state of trace.held.subarray(0, trace.heldCount)) add(state);
  // A state has a higher number than the one it is reached from.
  for (let state = 1; state < states.count; state++) if (reached[states.parents[state]!] === 1) add(state);
  return [...accepts].sort((a, b) => a - b).map((number) => states.rules[number]!);
}

function compileStates(rules: readonly Rule[], seed: number): Pick<CompiledRules, "states" | "trace"> {
  const states = buildStates(rules, seed);
  return { states, trace: makeTrace(states) };
}

function denialsOf(compiled: CompiledRules): CompiledRules | undefined {
  return compiled.denials ?? (compiled.states.rules[0]?.effect === "deny" ? compiled : undefined);
}

function traceDenials(compiled: CompiledRules, path: string): Trace | undefined {
  const denials = denialsOf(compiled);
  // Without rules to tell, an empty set still judges the path.
  const { states, trace } = denials ?? compiled;
  if (walkPath(states, trace, path, Number.POSITIVE_INFINITY))
    return denials === undefined ? undefined : trace;
  throw new SallyportError("INVALID", "Cannot match path: it is not canonical", { field: "path" });
}

function matchedState(trace: Trace, index: number): number {
  return index < trace.currentCount ? trace.current[index]! : trace.held[index - trace.currentCount]!;
}

/** Of the rules at one state, the first denying or the last granting one. */
function findRule(states: States, at: number, effect: Rule["effect"], rights: number): number {
  const start = states.table[at + STATE.acceptStart]!;
  const end = states.table[at + STATE.acceptEnd]!;
  let last = -1;
  for (let i = start; i < end; i++) {
    const number = states.accepts[i]!;
    const rule = states.rules[number]!;
    if (rule.effect !== effect || (rule.rights & rights) === 0) continue;
    if (effect === "deny") return number;
    last = number;
  }
  return last;
}
