import { checkPath, pathSubsumes } from "../../policy/capability/path_target.ts";
import { parsePattern, type Segment } from "../../policy/pattern.ts";
import { type Effort, segmentSubsumes } from "../../policy/segment_subsumes.ts";
import { SallyportError } from "../../protocol/errors.ts";

/** Any name that ends so, anywhere: `/**` and `/*` with a text behind it that has no wildcard. */
const ENDS_WITH = /^\/\*\*\/\*((?:\\.|[^*?/\\])+)$/;
const DEEP = "/**";

/**
 * Patterns that match just what both match, or a little less where a begin and an end would overlap in one name. None: nothing does.
 * null: that can not be said by patterns.
 */
export function intersectPatterns(a: string, b: string, effort: Effort): readonly string[] | null {
  if (pathSubsumes([a], b, effort)) return [b];
  if (pathSubsumes([b], a, effort)) return [a];
  if (areApart(parsePattern(a), parsePattern(b), effort)) return [];
  return belowWithEnd(a, b) ?? belowWithEnd(b, a);
}

/** What lies below a directory, and what ends so. */
function belowWithEnd(below: string, ending: string): readonly string[] | null {
  const end = ENDS_WITH.exec(ending)?.[1];
  if (end === undefined || !below.endsWith(DEEP) || below === DEEP) return null;
  const head = below.slice(0, -DEEP.length);
  const deeper = `${head}${DEEP}/*${end}`;
  const last = parsePattern(head).at(-1)!;
  if (last.kind === "any") return onlyPatterns([`${head.slice(0, -"/*".length)}${DEEP}/*${end}`]);
  if (last.kind === "literal")
    return onlyPatterns(checkPath(ending, literalText(head)) ? [head, deeper] : [deeper]);
  // A name that begins so and ends so, or something below one that begins so.
  return last.kind === "glob" && head.endsWith("*") && !head.endsWith("\\*")
    ? onlyPatterns([`${head}${end}`, deeper])
    : null;
}

/** null where one has more wildcards than a pattern may. */
function onlyPatterns(patterns: readonly string[]): readonly string[] | null {
  try {
    for (const pattern of patterns) parsePattern(pattern);
    return patterns;
  } catch (error) {
    if (error instanceof SallyportError) return null;
    throw error;
  }
}

function literalText(pattern: string): string {
  return pattern.replace(/\\(.)/g, "$1");
}

/** Whether no path matches both, seen from either end. False may be wrong. */
function areApart(a: readonly Segment[], b: readonly Segment[], effort: Effort): boolean {
  const [fixedA, fixedB] = [a, b].map((segments) => segments.filter(({ kind }) => kind !== "deep").length);
  const isDeep = (segments: readonly Segment[]): boolean => segments.some(({ kind }) => kind === "deep");
  if (!isDeep(a) && fixedB! > fixedA!) return true;
  if (!isDeep(b) && fixedA! > fixedB!) return true;
  return partAtStart(a, b, effort) || partAtStart(a.toReversed(), b.toReversed(), effort);
}

function partAtStart(a: readonly Segment[], b: readonly Segment[], effort: Effort): boolean {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [one, other] = [a[at]!, b[at]!];
    if (one.kind === "deep" || other.kind === "deep") return false;
    if (one.kind === "literal" && !segmentSubsumes(other, one, effort)) return true;
    if (other.kind === "literal" && !segmentSubsumes(one, other, effort)) return true;
  }
  return false;
}
