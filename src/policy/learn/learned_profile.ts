/** The smallest profile under which a program would have been refused nothing that can be granted. Pure. */
import { dirname, isWithin } from "../path.ts";
import { MAX_SEGMENTS } from "../pattern.ts";
import { RIGHT, type RightName, rightNames } from "../rights.ts";
import type { Observation } from "./observations.ts";
import { type Bounds, type LearnedPattern, learnPatterns, MANY } from "./patterns.ts";

/** A rule as a profile file has it. */
export type LearnedRule = {
  readonly id: string;
  readonly effect: "allow";
  readonly rights: readonly RightName[];
  readonly paths: readonly string[];
  readonly reason: string;
};

export type Learned = {
  readonly rules: readonly LearnedRule[];
  /** Files and trees for `native.execute`. */
  readonly execute: readonly string[];
  /** What a person should look at before using it, a sentence each. */
  readonly warnings: readonly string[];
};

export type LearnedFrom = {
  readonly observations: readonly Observation[];
  /** Programs that were executed and that no rule of the base lets be executed. */
  readonly executed: readonly string[];
  readonly bounds: Bounds;
  /** What stands for a path at the start of a pattern; the longest that fits is taken. */
  readonly variables: Readonly<Partial<Record<"workspace" | "home" | "tmp", string>>>;
  /** Ids that the base has already. */
  readonly taken: readonly string[];
};

const CLASSES = [
  ["read", RIGHT.read | RIGHT.list | RIGHT.stat],
  ["change", RIGHT.write | RIGHT.create | RIGHT.delete | RIGHT.metadata],
] as const;

/** Every observed path is granted what was asked on it, but for those of which a warning says that no pattern can name them. */
export function learnProfile(from: LearnedFrom): Learned {
  const warnings: string[] = [];
  const able = from.observations.filter(({ path }) => {
    const isShort = path.split("/").length <= MAX_SEGMENTS;
    if (!isShort) warnings.push(`no pattern is long enough for ${path}: it is left out`);
    return isShort;
  });
  const rules: LearnedRule[] = [];
  const ids = new Set(from.taken);
  for (const [name, rights] of CLASSES) {
    const patterns = learnPatterns(able, rights, from.bounds);
    for (const pattern of patterns) warnings.push(...warningsOf(pattern, name, from));
    for (const group of grouped(patterns)) rules.push(ruleOf(group, freshId(name, ids), from));
  }
  const execute = executableTrees(from, warnings);
  return { rules, execute, warnings };
}

/** Exact names of one directory with the same rights share a rule; what was generalised has one for itself. */
function grouped(patterns: readonly LearnedPattern[]): LearnedPattern[][] {
  const groups = new Map<string, LearnedPattern[]>();
  for (const pattern of patterns) {
    const key =
      pattern.kind === "exact" ? `${pattern.rights} ${dirname(pattern.first.path)}` : pattern.pattern;
    groups.set(key, [...(groups.get(key) ?? []), pattern]);
  }
  return [...groups.values()];
}

function ruleOf(group: readonly LearnedPattern[], id: string, from: LearnedFrom): LearnedRule {
  const sum = (key: "operations" | "names"): number => group.reduce((all, one) => all + one[key], 0);
  const { first, rights } = group[0]!;
  const shown = withVariable(first.path, from.variables);
  return {
    id,
    effect: "allow",
    rights: rightNames(rights),
    paths: group.map(({ pattern }) => fileForm(pattern, from.variables)),
    reason: `Learned: ${count(sum("operations"), "operation")} on ${count(sum("names"), "name")}, first ${first.op} ${shown}`,
  };
}

function freshId(name: string, taken: Set<string>): string {
  for (let number = 1; ; number++) {
    const id = `learned.${name}-${number}`;
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

function warningsOf(pattern: LearnedPattern, name: "read" | "change", from: LearnedFrom): string[] {
  const { kind, first, names } = pattern;
  const shown = fileForm(pattern.pattern, from.variables);
  const warnings: string[] = [];
  const isInside = from.bounds.whole.some((place) => isWithin(first.path, place));
  if (name === "change" && !isInside) warnings.push(`changes outside the workspace: ${shown}`);
  if (kind === "tree" && !from.bounds.whole.includes(first.path))
    warnings.push(
      `a whole tree (${name}): ${shown}, of which ${count(names, "name")} ${names === 1 ? "was" : "were"} seen`,
    );
  if (kind === "names")
    warnings.push(`all names of a directory (${name}): ${shown}, of which ${names} were seen`);
  if (kind === "temporary") warnings.push(`names chosen by chance (${name}): ${shown}`);
  return warnings;
}

/** Many programs of one directory stand for it; else each is named. */
function executableTrees(from: LearnedFrom, warnings: string[]): string[] {
  const byDirectory = new Map<string, string[]>();
  for (const path of new Set(from.executed)) {
    const known = byDirectory.get(dirname(path)) ?? [];
    byDirectory.set(dirname(path), [...known, path]);
  }
  const trees: string[] = [];
  for (const [directory, programs] of byDirectory) {
    const isTree =
      programs.length >= MANY &&
      !from.bounds.places.some((place) => isWithin(place, directory)) &&
      directory.split("/").length > 2;
    for (const path of isTree ? [directory] : programs) {
      const shown = withVariable(path, from.variables);
      if (/[*?\\${}\0]/.test(path)) {
        warnings.push(`native.execute can not name ${path}: it is left out`);
        continue;
      }
      trees.push(shown);
      warnings.push(`executes, and reads, what is outside the base: ${shown}`);
    }
  }
  return trees;
}

/** With the variable in front; characters that a profile keeps for variables become `?`, which is any one character. */
function fileForm(pattern: string, variables: LearnedFrom["variables"]): string {
  const named = variableOf(unescaped(pattern), variables);
  const rest = (named === null ? pattern : pattern.slice(escapedLength(pattern, named.value.length))).replace(
    /\\[${}]|[${}]/g,
    "?",
  );
  return named === null ? rest : `\${${named.name}}${rest}`;
}

function withVariable(path: string, variables: LearnedFrom["variables"]): string {
  const named = variableOf(path, variables);
  return named === null ? path : `\${${named.name}}${path.slice(named.value.length)}`;
}

function variableOf(
  path: string,
  variables: LearnedFrom["variables"],
): { name: string; value: string } | null {
  const fitting = Object.entries(variables)
    .filter(([, value]) => value !== undefined && value !== "/" && isWithin(path, value))
    .sort(([, a], [, b]) => b.length - a.length);
  const [first] = fitting;
  return first === undefined ? null : { name: first[0], value: first[1] };
}

function unescaped(pattern: string): string {
  return pattern.replace(/\\(.)/gsu, "$1");
}

/** How many characters of an escaped pattern stand for the first `length` of what it matches. */
function escapedLength(pattern: string, length: number): number {
  let at = 0;
  for (let plain = 0; plain < length; plain++) at += pattern[at] === "\\" ? 2 : 1;
  return at;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
