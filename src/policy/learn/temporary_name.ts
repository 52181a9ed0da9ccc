import { escapePattern } from "../pattern.ts";

// What UUIDs, digests, process numbers and mkstemp(3) look like. Each is replaced whole.
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const HEX = /(?<![A-Za-z0-9])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,}(?![A-Za-z0-9])/gi;
const NUMBER = /\d{3,}/g;
const WORD = /[A-Za-z0-9_]{6,}/g;
const BEHIND_TMP = /(?<=(?:^|[^A-Za-z])(?:te?mp|cc)[._-]?)[A-Za-z0-9_]{6,}/gi;
// With a digit, or a capital that does not stand first.
const BEHIND_MARK = /(?<=[._#~-])(?=[A-Za-z0-9]*(?:\d|[A-Za-z0-9][A-Z]))[A-Za-z0-9]{6,}$/g;
const MAX_WILDCARDS = 3;
/** Stands for a `*` while the literal parts are escaped. */
const WILD = "\u0000";

/**
 * The pattern that a name chosen by chance stands for, as `tmp.*` of "tmp.x3QzR7", or null for a name that does not look so.
 * `stay` says whether the run left it there: what it made and took away again is taken for temporary on less. `isTelling` says
 * whether enough of the name is left for the pattern to stand for no other kind of name.
 */
export function temporaryPattern(
  name: string,
  stay: "kept" | "gone",
): { readonly pattern: string; readonly isTelling: boolean } | null {
  const marked = name
    .replace(UUID, WILD)
    .replace(BEHIND_TMP, WILD)
    .replace(HEX, WILD)
    .replace(WORD, (word) => (isMixed(word) ? WILD : word))
    .replace(stay === "gone" ? BEHIND_MARK : /$^/g, WILD)
    .replace(NUMBER, WILD)
    .replace(/\u0000{2,}/g, WILD);
  const parts = marked.split(WILD);
  const wildcards = parts.length - 1;
  if (wildcards === 0 || wildcards > MAX_WILDCARDS) return null;
  const isTelling = parts.join("").replace(/[^A-Za-z0-9]/g, "").length >= 2;
  return { pattern: parts.map(escapePattern).join("*"), isTelling };
}

/** A word that changes between letters, digits and capitals more often than people make it. */
function isMixed(word: string): boolean {
  const changes = [...word.matchAll(/[a-z](?=[A-Z0-9])|[0-9](?=[A-Za-z])|[A-Z](?=[0-9])/g)].length;
  return changes >= 3 && /\d/.test(word);
}
