import { parsePattern, type Segment } from "../pattern.ts";
import { patternSubsumes } from "../pattern_subsumes.ts";
import type { Effort } from "../segment_subsumes.ts";

/** Whether `pattern` matches the canonical `path`. A path too long to be walked is not matched. */
export function checkPath(pattern: string, path: string): boolean {
  return patternSubsumes([parsePattern(pattern)], literal(path));
}

/** Whether every path of `child` is one of some of `parents`. Throws INVALID for what is no pattern. When there is no effort left: no. */
export function pathSubsumes(parents: readonly string[], child: string, effort?: Effort): boolean {
  // The same text is the most usual case, and needs no walk.
  if (parents.includes(child)) return true;
  return patternSubsumes(
    parents.map((parent) => parsePattern(parent)),
    parsePattern(child),
    effort,
  );
}

function literal(path: string): readonly Segment[] {
  if (path === "/") return [];
  return path
    .slice(1)
    .split("/")
    .map((text) => ({ kind: "literal", text }));
}
