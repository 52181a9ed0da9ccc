import { decidePath, type Policy } from "./decide.ts";
import { joinPath } from "./path.ts";
import { parsePattern } from "./pattern.ts";

/** So many a denial names at most. */
export const MAX_ROOTS = 8;

const known = new WeakMap<Policy, Map<number, readonly string[]>>();

/**
 * Directories in which `policy` grants all of `rights`, those with the longest way in common with `path` first: where a caller that
 * was refused may do the same. Only whole trees; of trees within one another the outer one. At most MAX_ROOTS.
 */
export function allowedRoots(policy: Policy, rights: number, path: string): readonly string[] {
  if (rights === 0) return [];
  const roots = treesOf(policy, rights);
  if (roots.length <= 1) return roots;
  return [...roots]
    .sort((a, b) => commonLength(b, path) - commonLength(a, path) || a.length - b.length || (a < b ? -1 : 1))
    .slice(0, MAX_ROOTS);
}

function treesOf(policy: Policy, rights: number): readonly string[] {
  const byRights = known.get(policy) ?? new Map<number, readonly string[]>();
  known.set(policy, byRights);
  let trees = byRights.get(rights);
  if (trees === undefined) {
    const granted = policy.rules
      .filter((rule) => rule.effect === "allow" && (rule.rights & rights) !== 0)
      .map(({ pattern }) => treeOf(pattern))
      .filter((tree) => tree !== null);
    // Several rules together may grant what is asked, and a denial may take a whole tree away: the policy itself is asked.
    const whole = [...new Set(granted)].filter(
      (tree) => decidePath(policy, joinPath(tree, PROBE), rights).kind === "allow",
    );
    trees = whole.filter((tree) => !whole.some((other) => other !== tree && isBelow(tree, other)));
    byRights.set(rights, trees);
  }
  return trees;
}

/** A name that no rule is written for. */
const PROBE = "\u{1f9ea}sallyport-probe";

/** The directory whose whole tree a pattern matches, or null. */
function treeOf(pattern: string): string | null {
  const segments = parsePattern(pattern);
  if (segments.at(-1)?.kind !== "deep") return null;
  let tree = "";
  for (const segment of segments.slice(0, -1)) {
    if (segment.kind !== "literal") return null;
    tree += `/${segment.text}`;
  }
  return tree === "" ? "/" : tree;
}

function isBelow(path: string, directory: string): boolean {
  return directory === "/" || path.startsWith(`${directory}/`);
}

function commonLength(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}
