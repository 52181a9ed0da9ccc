/**
 * Ordered rules as disjoint comparisons. libseccomp has neither an order nor "not equal under a mask", so a rule that comes
 * after one with another action is cut down to the part that the earlier one leaves. A cube is a conjunction with at most
 * one condition an argument.
 */
import type { Condition, EffectiveRule } from "./spec.ts";

export type Cube = readonly Condition[];
export type CubeRule = { readonly rule: EffectiveRule; readonly cube: Cube };

/** The rules as cubes that overlap only where the actions are the same. Throws RangeError past `maxCubes`. */
export function toCubes(rules: readonly EffectiveRule[], maxCubes: number): CubeRule[] {
  const done: CubeRule[] = [];
  for (const rule of rules) {
    const alternatives = rule.alternatives.length === 0 ? [[]] : rule.alternatives;
    for (const alternative of alternatives) {
      let left: Cube[] = [mergeConditions(alternative)].filter((cube) => cube !== null);
      for (const earlier of done) {
        if (sameAction(earlier.rule, rule)) continue;
        left = left.flatMap((cube) => subtract(cube, earlier.cube));
        if (left.length > maxCubes)
          throw new RangeError(`Rule "${rule.id}" needs more than ${maxCubes} comparisons`);
      }
      done.push(...left.map((cube) => ({ rule, cube })));
    }
  }
  return done.filter(
    (one, index) => !done.some((other, at) => at !== index && covers(other, one, at < index)),
  );
}

/** Several conditions on one argument become one; null when they contradict each other. */
export function mergeConditions(conditions: readonly Condition[]): Cube | null {
  const byArgument = new Map<number, Condition>();
  for (const condition of conditions) {
    const other = byArgument.get(condition.arg);
    if (other === undefined) {
      byArgument.set(condition.arg, condition);
      continue;
    }
    if (((other.value ^ condition.value) & other.mask & condition.mask) !== 0) return null;
    const mask = (other.mask | condition.mask) >>> 0;
    byArgument.set(condition.arg, { arg: condition.arg, mask, value: (other.value | condition.value) >>> 0 });
  }
  return [...byArgument.values()].sort((a, b) => a.arg - b.arg);
}

/** Disjoint cubes whose union is `from` without `what`. */
export function subtract(from: Cube, what: Cube): Cube[] {
  if (mergeConditions([...from, ...what]) === null) return [from];
  const parts: Cube[] = [];
  let common: readonly Condition[] = from;
  for (const { arg, mask, value } of what) {
    const known = common.find((condition) => condition.arg === arg)?.mask ?? 0;
    let fixedMask = 0;
    // From the highest bit down, so that the parts form a tree of prefixes.
    for (let bit = 31; bit >= 0; bit--) {
      const one = (1 << bit) >>> 0;
      if ((mask & ~known & one) === 0) continue;
      const prefix = { arg, mask: fixedMask, value: (value & fixedMask) >>> 0 };
      const flipped = { arg, mask: one, value: (~value & one) >>> 0 };
      parts.push(mergeConditions([...common, prefix, flipped].filter((condition) => condition.mask !== 0))!);
      fixedMask = (fixedMask | one) >>> 0;
    }
    common = mergeConditions([...common, { arg, mask, value }])!;
  }
  return parts;
}

/** Whether `a` makes `b` superfluous; of two equal ones the first stays. */
function covers(a: CubeRule, b: CubeRule, first: boolean): boolean {
  if (!sameAction(a.rule, b.rule)) return false;
  const wider = (outer: Cube, inner: Cube): boolean =>
    outer.every(({ arg, mask, value }) => {
      const other = inner.find((condition) => condition.arg === arg);
      return other !== undefined && (mask & ~other.mask) === 0 && ((other.value ^ value) & mask) === 0;
    });
  return wider(a.cube, b.cube) && (first || !wider(b.cube, a.cube));
}

function sameAction(a: EffectiveRule, b: EffectiveRule): boolean {
  if (a.action.kind === "errno" && b.action.kind === "errno") return a.action.errno === b.action.errno;
  // With notifications both are one BPF action; which rule it was is for the classifier to say.
  const asked = (rule: EffectiveRule): boolean =>
    rule.action.kind === "refuse" || rule.action.kind === "trap";
  return a.action.kind === b.action.kind || (asked(a) && asked(b));
}
