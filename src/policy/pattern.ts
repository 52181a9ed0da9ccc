import { SallyportError } from "../protocol/errors.ts";
import { MAX_PATH_BYTES } from "../protocol/limits.ts";
import { isCleanPath, utf8Bytes } from "../protocol/path.ts";

/**
 * The pattern grammar. Segments are separated by "/". In a segment `?` is one code point and `*` any number of them, dots at
 * the start included. `**` is a whole segment and stands for any number of segments, none too: "/a/**" matches "/a". A
 * pattern starts with "/", or with `**` and "/", which means anywhere. A backslash takes the meaning from the character behind it.
 * There is no negation, no class, no brace and no extglob: where glob libraries disagree, a pattern is refused.
 */

export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  /** Matches as `matchesGlob` says. `units` are UTF-16 units, ANY_RUN or ANY_ONE. */
  | { readonly kind: "glob"; readonly units: readonly number[] }
  /** `*` alone: any one segment. */
  | { readonly kind: "any" }
  /** `**`: any number of segments. */
  | { readonly kind: "deep" };

export const ANY_RUN = -1;
export const ANY_ONE = -2;
export const MAX_SEGMENTS = 64;
export const MAX_RUNS = 8;
export const MAX_DEEP = 2;

export type VariableName = "workspace" | "home" | "tmp" | "state" | "run";
/** A clean absolute path, which may only start a pattern, or one clean segment, which may stand anywhere. */
export type Variables = { readonly [name in VariableName]?: string };

const ESCAPABLE = "*?\\[]{}()$!";
const SLASH = "/";

/**
 * Replaces `${name}` by its value. What the value holds is literal: a directory called "*" does not become a wildcard.
 * Throws INVALID for a name that has no value, and for a value that is no path or segment.
 */
export function expandPattern(pattern: string, variables: Variables): string {
  let expanded = "";
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === "\\") expanded += pattern[at++]! + (pattern[at] ?? "");
    else if (pattern[at] === "$" && pattern[at + 1] === "{") {
      const end = pattern.indexOf("}", at);
      if (end === -1) throw refused(pattern, at, '"$" and "{" without "}"');
      const name = pattern.slice(at + 2, end);
      const value = Object.hasOwn(variables, name) ? variables[name as VariableName] : undefined;
      if (value === undefined) throw refused(pattern, at, `no value for "${name}"`);
      expanded += literalOf(value, pattern, at, pattern[end + 1]);
      at = end;
    } else expanded += pattern[at];
  }
  return expanded;
}

/** Escapes text so that a pattern matches just it. */
export function escapePattern(text: string): string {
  let escaped = "";
  for (const unit of text) escaped += ESCAPABLE.includes(unit) ? `\\${unit}` : unit;
  return escaped;
}

/** The segments of an expanded pattern; of "/" there are none. Throws INVALID with pattern and column. */
export function parsePattern(pattern: string): readonly Segment[] {
  const bytes = utf8Bytes(pattern);
  if (bytes === -1) throw refused(pattern, 0, "a surrogate stands alone");
  if (bytes > MAX_PATH_BYTES)
    throw refused(pattern, MAX_PATH_BYTES, `it is longer than ${MAX_PATH_BYTES} bytes`);
  const anywhere = pattern.startsWith("**/");
  if (!anywhere && pattern[0] !== SLASH)
    throw refused(pattern, 0, 'it starts neither with "/" nor with "**/"');
  if (pattern === SLASH) return [];
  const segments: Segment[] = [];
  let deep = 0;
  let runs = 0;
  let start = anywhere ? 0 : 1;
  while (start <= pattern.length) {
    const slash = pattern.indexOf(SLASH, start);
    const end = slash === -1 ? pattern.length : slash;
    const segment = parseSegment(pattern, start, end);
    if (segment.kind === "deep") deep++;
    if (segment.kind === "any") runs++;
    if (segment.kind === "glob") runs += segment.units.filter((unit) => unit === ANY_RUN).length;
    segments.push(segment);
    if (deep > MAX_DEEP) throw refused(pattern, start, `more than ${MAX_DEEP} "**"`);
    if (runs > MAX_RUNS) throw refused(pattern, start, `more than ${MAX_RUNS} "*"`);
    if (segments.length > MAX_SEGMENTS) throw refused(pattern, start, `more than ${MAX_SEGMENTS} segments`);
    start = end + 1;
  }
  return segments;
}

function parseSegment(pattern: string, start: number, end: number): Segment {
  if (start === end) throw refused(pattern, start, "an empty segment");
  const raw = pattern.slice(start, end);
  if (raw === "**") return { kind: "deep" };
  if (raw === "*") return { kind: "any" };
  const units: number[] = [];
  let wild = false;
  for (let at = start; at < end; at++) {
    const unit = pattern[at]!;
    if (unit === "\\") {
      at++;
      if (at === end || !ESCAPABLE.includes(pattern[at]!))
        throw refused(pattern, at - 1, "nothing to escape");
      units.push(pattern.charCodeAt(at));
    } else if (unit === "*" || unit === "?") {
      if (pattern[at + 1] === "*" && unit === "*") throw refused(pattern, at, '"**" is no whole segment');
      units.push(unit === "*" ? ANY_RUN : ANY_ONE);
      wild = true;
    } else {
      refuseForeign(pattern, at, unit);
      units.push(pattern.charCodeAt(at));
    }
  }
  if (wild) return { kind: "glob", units };
  const text = units.map((unit) => String.fromCharCode(unit)).join("");
  if (text === "." || text === "..") throw refused(pattern, start, `a "${text}" segment matches no path`);
  return { kind: "literal", text };
}

/** Refuses what other glob languages would read as more than itself. */
function refuseForeign(pattern: string, at: number, unit: string): void {
  if ("[]{}".includes(unit))
    throw refused(pattern, at, `"${unit}" has no meaning; write "\\${unit}" for the character`);
  if (unit === "(" && at > 0 && "!?+*@".includes(pattern[at - 1]!)) {
    throw refused(pattern, at, `an extended glob has no meaning; write "\\(" for the character`);
  }
  if (unit === "\0") throw refused(pattern, at, "a NUL");
}

function literalOf(value: string, pattern: string, at: number, next: string | undefined): string {
  if (!value.startsWith(SLASH)) {
    if (value === "" || value.includes(SLASH) || !isCleanPath(`/_${value}`)) {
      throw refused(pattern, at, "its value is neither an absolute path nor one segment");
    }
    return escapePattern(value);
  }
  if (!isCleanPath(value)) throw refused(pattern, at, "its value is no canonical path");
  if (at !== 0 || (next !== undefined && next !== SLASH))
    throw refused(pattern, at, "a path inside of a segment");
  return value === SLASH && next === SLASH ? "" : escapePattern(value);
}

function refused(pattern: string, at: number, why: string): SallyportError {
  const shown = JSON.stringify(pattern.length > 200 ? `${pattern.slice(0, 200)}…` : pattern);
  return new SallyportError("INVALID", `Cannot use pattern ${shown}: column ${at + 1}: ${why}`, {
    field: "pattern",
    expected: why,
  });
}
