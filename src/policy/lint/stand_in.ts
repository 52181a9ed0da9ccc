/** Patterns compared without a run: the variables stand for directories that nobody writes out. */
import { expandPattern, parsePattern, type Segment } from "../pattern.ts";
import { patternSubsumes } from "../pattern_subsumes.ts";
import { patternsMeet } from "../patterns_meet.ts";

export const STAND_IN = {
  home: "/home/$home",
  workspace: "/home/$home/$workspace",
  tmp: "/tmp/$tmp",
  state: "/home/$home/.local/state/sallyport",
} as const;

const parsed = new Map<string, readonly Segment[] | null>();
const MAX_KNOWN = 10_000;

/** The segments of a profile's pattern, or null for one that is not valid. */
export function segmentsOf(pattern: string): readonly Segment[] | null {
  const known = parsed.get(pattern);
  if (known !== undefined) return known;
  if (parsed.size >= MAX_KNOWN) parsed.clear();
  const segments = parse(pattern);
  parsed.set(pattern, segments);
  return segments;
}

/** Whether each path of `pattern` is one of `wide`. */
export function isWithinPatterns(pattern: string, wide: readonly string[]): boolean {
  const child = segmentsOf(pattern);
  const parents = wide.map(segmentsOf).filter((one) => one !== null);
  return child !== null && parents.length > 0 && patternSubsumes(parents, child);
}

/** Whether some path of `pattern` may be one of `others`. */
export function meetsPatterns(pattern: string, others: readonly string[]): boolean {
  const one = segmentsOf(pattern);
  if (one === null) return false;
  return others.some((other) => {
    const segments = segmentsOf(other);
    return segments !== null && patternsMeet(one, segments);
  });
}

function parse(pattern: string): readonly Segment[] | null {
  try {
    return parsePattern(expandPattern(pattern, STAND_IN));
  } catch {
    // What is wrong with it is said elsewhere.
    return null;
  }
}
