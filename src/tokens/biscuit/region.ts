import type { Action } from "../../policy/capability/capability.ts";
import { pathSubsumes } from "../../policy/capability/path_target.ts";
import type { Effort } from "../../policy/segment_subsumes.ts";
import { intersectPatterns } from "./intersect.ts";

/** A set of requests: those for which one of the parts holds. */
export type Region = readonly Part[];
export type Part = {
  /** null: whatever path. */
  readonly pattern: string | null;
  /** null: whatever action. */
  readonly action: Action | null;
  readonly fromMs: number;
  /** From then on it does not hold. */
  readonly untilMs: number;
};

export const ALL: Part = {
  pattern: null,
  action: null,
  fromMs: Number.NEGATIVE_INFINITY,
  untilMs: Number.POSITIVE_INFINITY,
};

const MAX_PARTS = 512;
/** What a pair of parts takes of the effort by itself: a Biscuit may bring as many as fit. */
const PAIR_EFFORT = 8;

/** What is in both. null: that can not be said by patterns, or takes too many of them. */
export function both(a: Region, b: Region, effort: Effort): Region | null {
  const parts: Part[] = [];
  for (const one of a)
    for (const other of b) {
      effort.left -= PAIR_EFFORT;
      if (effort.left < 0) return null;
      if (one.action !== null && other.action !== null && one.action !== other.action) continue;
      const fromMs = Math.max(one.fromMs, other.fromMs);
      const untilMs = Math.min(one.untilMs, other.untilMs);
      if (fromMs >= untilMs) continue;
      const patterns =
        one.pattern === null || other.pattern === null
          ? [one.pattern ?? other.pattern]
          : intersectPatterns(one.pattern, other.pattern, effort);
      if (patterns === null || parts.length + patterns.length > MAX_PARTS) return null;
      const action = one.action ?? other.action;
      parts.push(...patterns.map((pattern) => ({ pattern, action, fromMs, untilMs })));
    }
  return parts;
}

/** Without the parts that lie in another one, as far as the effort goes. */
export function plain(region: Region, effort: Effort): Region {
  return region.filter(
    (part, at) =>
      !region.some(
        (wide, there) =>
          there !== at && isIn(part, wide, effort) && (there < at || !isIn(wide, part, effort)),
      ),
  );
}

function isIn(part: Part, wide: Part, effort: Effort): boolean {
  effort.left -= PAIR_EFFORT;
  return (
    effort.left >= 0 &&
    (wide.action === null || wide.action === part.action) &&
    wide.fromMs <= part.fromMs &&
    part.untilMs <= wide.untilMs &&
    (wide.pattern === null || (part.pattern !== null && pathSubsumes([wide.pattern], part.pattern, effort)))
  );
}
