/** From many observed paths to few patterns, each bounded by a directory that was seen. Pure. */
import type { Policy } from "../decide.ts";
import { basename, dirname, isWithin } from "../path.ts";
import { escapePattern, MAX_RUNS, parsePattern, type Segment } from "../pattern.ts";
import { ALL_RIGHTS, RIGHT } from "../rights.ts";
import { mayMatchBelow } from "../trie.ts";
import type { Observation } from "./observations.ts";
import { temporaryPattern } from "./temporary_name.ts";

/** `exact`: one name. `temporary`: names chosen by chance. `names`: all in one directory. `tree`: all below it, and itself. */
export type PatternKind = "exact" | "temporary" | "names" | "tree";

export type LearnedPattern = {
  readonly pattern: string;
  readonly kind: PatternKind;
  readonly rights: number;
  readonly operations: number;
  /** How many names were seen. */
  readonly names: number;
  readonly first: Observation;
};

/** What no generalisation may swallow. */
export type Bounds = {
  /** The base, what observing grants, and what it never does. */
  readonly policy: Policy;
  /** Homes, the workspace, the state directory: a tree may be one of `whole`, and none that holds any of these. */
  readonly places: readonly string[];
  /** The workspace and the run's temporary directory: learned as a whole when they are learned at all. */
  readonly whole: readonly string[];
};

/** So many names of one directory stand for all. */
export const MANY = 4;
/** Of these every user of the machine has a share. */
const SHARED: readonly string[] = ["/var/tmp", "/dev/shm", "/var/cache"];
const MIN_DEPTH = 2;

type Node = {
  /** In the language of patterns. */
  readonly segment: string;
  /** A path that was seen here. */
  readonly path: string;
  readonly isTemporary: boolean;
  readonly children: Map<string, Node>;
  own: Observation[];
};

/** Patterns that cover `rights` of all observations, and no name outside of the directories that were observed. */
export function learnPatterns(
  observations: readonly Observation[],
  rights: number,
  bounds: Bounds,
): LearnedPattern[] {
  const made = new Map<string, "kept" | "gone">();
  for (const one of observations) {
    if ((one.rights & RIGHT.create) !== 0)
      made.set(one.path, (one.rights & RIGHT.delete) !== 0 ? "gone" : "kept");
  }
  const root: Node = { segment: "", path: "/", isTemporary: false, children: new Map(), own: [] };
  for (const one of observations) {
    if ((one.rights & rights) === 0) continue;
    nodeOf(root, one.path, made, rights, bounds).own.push({ ...one, rights: one.rights & rights });
  }
  return collapse(root, "", rights, bounds);
}

function nodeOf(
  root: Node,
  path: string,
  made: ReadonlyMap<string, "kept" | "gone">,
  rights: number,
  bounds: Bounds,
): Node {
  let at = root;
  if (path === "/") return root;
  let prefix = "";
  let runs = 0;
  for (const name of path.slice(1).split("/")) {
    prefix += `/${name}`;
    const stay = made.get(prefix);
    const wild = stay === undefined ? null : temporarySegment(prefix, stay, rights, bounds);
    const more = wild?.split("*").length ?? 0;
    // One `*` is left for the names of a directory.
    const isTemporary = wild !== null && runs + more < MAX_RUNS;
    if (isTemporary) runs += more;
    const segment = isTemporary ? wild : escapePattern(name);
    const known = at.children.get(segment);
    const node = known ?? { segment, path: prefix, isTemporary, children: new Map(), own: [] };
    at.children.set(segment, node);
    at = node;
  }
  return at;
}

function temporarySegment(
  path: string,
  stay: "kept" | "gone",
  rights: number,
  bounds: Bounds,
): string | null {
  const temporary = temporaryPattern(basename(path), stay);
  if (temporary === null || matchesDenied(path, temporary.pattern, bounds)) return null;
  return temporary.isTelling || mayBeTree(dirname(path), rights, bounds) ? temporary.pattern : null;
}

function collapse(node: Node, prefix: string, rights: number, bounds: Bounds): LearnedPattern[] {
  const pattern = node.path === "/" ? "" : `${prefix}/${node.segment}`;
  const seen = everything(node);
  const below = seen.filter(({ path }) => path !== node.path);
  const isWhole = bounds.whole.includes(node.path);
  const isMany = isWhole || node.children.size >= MANY || (node.isTemporary && node.children.size > 0);
  if (isMany && below.length > 0 && (isWhole || mayBeTree(node.path, rights, bounds))) {
    const isFlat = !isWhole && [...node.children.values()].every(({ children }) => children.size === 0);
    if (!isFlat) return [patternOf(`${pattern}/**`, "tree", seen)];
    const own = node.own.length > 0 ? [patternOf(pattern, kindOf(node), node.own)] : [];
    return [...own, patternOf(`${pattern}/*`, "names", below)];
  }
  const own = node.own.length > 0 ? [patternOf(pattern === "" ? "/" : pattern, kindOf(node), node.own)] : [];
  return [
    ...own,
    ...[...node.children.values()].flatMap((child) => collapse(child, pattern, rights, bounds)),
  ];
}

function kindOf({ isTemporary }: Node): PatternKind {
  return isTemporary ? "temporary" : "exact";
}

function everything(node: Node): Observation[] {
  return [...node.own, ...[...node.children.values()].flatMap(everything)];
}

function patternOf(pattern: string, kind: PatternKind, seen: readonly Observation[]): LearnedPattern {
  return {
    pattern,
    kind,
    rights: seen.reduce((sum, one) => sum | one.rights, 0),
    operations: seen.reduce((sum, one) => sum + one.operations, 0),
    names: new Set(seen.map(({ path }) => path)).size,
    first: seen[0]!,
  };
}

/** Never the root, a home, what holds one, a place that all share, or one with a name of its own that some rule denies. */
function mayBeTree(directory: string, rights: number, bounds: Bounds): boolean {
  const depth = directory === "/" ? 0 : directory.split("/").length - 1;
  if (depth < MIN_DEPTH || SHARED.includes(directory)) return false;
  if (bounds.places.some((place) => isWithin(place, directory))) return false;
  return mayMatchBelow(bounds.policy.compiled, directory, rights).every(({ pattern }) => isAnywhere(pattern));
}

/** Patterns such as `/**\/.env` speak of every directory; they win over what is learned, as every deny rule does. */
function isAnywhere(pattern: string): boolean {
  return pattern.startsWith("/**/") || pattern.startsWith("**/");
}

/** Says whether a wildcard in place of the last name of `path` might cover a name of its own that some rule denies. */
function matchesDenied(path: string, wild: string, bounds: Bounds): boolean {
  const parent = dirname(path);
  const [last] = parsePattern(`/${wild}`);
  const depth = path.split("/").length - 2;
  const denying = mayMatchBelow(bounds.policy.compiled, parent, ALL_RIGHTS);
  return denying.some(({ pattern }) => !isAnywhere(pattern) && meets(parsePattern(pattern), depth, last!));
}

function meets(pattern: readonly Segment[], depth: number, wild: Segment): boolean {
  if (pattern.slice(0, depth + 1).some(({ kind }) => kind === "deep")) return true;
  const denied = pattern[depth];
  if (denied === undefined || wild.kind !== "glob") return false;
  if (denied.kind !== "literal") return true;
  return literalHead(wild.units, denied.text) && literalTail(wild.units, denied.text);
}

/** What stands before the first and behind the last wildcard must fit; in doubt it does. */
function literalHead(units: readonly number[], text: string): boolean {
  const end = units.findIndex((unit) => unit < 0);
  return String.fromCharCode(...units.slice(0, end)) === text.slice(0, end);
}

function literalTail(units: readonly number[], text: string): boolean {
  const start = units.findLastIndex((unit) => unit < 0) + 1;
  return text.endsWith(String.fromCharCode(...units.slice(start)));
}
