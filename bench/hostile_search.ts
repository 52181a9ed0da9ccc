import { compilePolicy, decidePath, type Policy, type Rule } from "../src/policy/decide.ts";
import { RIGHT } from "../src/policy/rights.ts";

/** Patterns and a path that somebody chose who wants decisions to be slow. */
export type Hostile = { readonly patterns: readonly string[]; readonly path: string };

const NAMES = ["a", "b", "aa", "ab", ".git", "hooks", "x".repeat(60), "a".repeat(250)];
const GLOBS = ["*", "?", "*a", "a*", "*a*", "?a*", "*a*a*a", "*?a", "a*b", `*${"?".repeat(40)}a`, "*a*a*b"];
const ROUNDS = 600;
const TRIES = 40;
const MAX_PATTERNS = 128;
const MAX_PATH_UNITS = 4_095;

/**
 * Searches for the slowest decision by hill climbing with several starts: a change is kept when decisions take more time of the processor.
 * `seed` makes the order of the changes repeatable; the times decide, so that two searches need not end at the same place.
 */
export function searchHostile(seed: number): Hostile {
  const random = randomFrom(seed);
  let worst: Hostile = { patterns: ["/**/a"], path: "/a/a" };
  let worstUs = 0;
  for (let start = 0; start < 4; start++) {
    let current: Hostile = { patterns: somePatterns(random), path: somePath(random) };
    let currentUs = costOf(current);
    for (let round = 0; round < ROUNDS; round++) {
      const tried = changed(current, random);
      const us = costOf(tried);
      if (us <= currentUs) continue;
      current = tried;
      currentUs = us;
    }
    if (currentUs > worstUs) {
      worst = current;
      worstUs = currentUs;
    }
  }
  return worst;
}

export function policyOf({ patterns }: Hostile): Policy {
  const rules = patterns.map(
    (pattern, i): Rule => ({ id: `h${i}`, effect: "allow", rights: RIGHT.read, pattern, reason: "bench" }),
  );
  return compilePolicy("hostile", rules, 0x5a11);
}

/** Least time of a few batches in µs: noise only ever adds. */
function costOf(hostile: Hostile): number {
  const policy = policyOf(hostile);
  let least = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < 3; batch++) {
    const before = process.hrtime.bigint();
    for (let i = 0; i < TRIES; i++) decidePath(policy, hostile.path, RIGHT.read);
    least = Math.min(least, Number(process.hrtime.bigint() - before) / TRIES / 1e3);
  }
  return least;
}

type Random = (below: number) => number;

function somePattern(random: Random): string {
  const segments = Array.from({ length: 1 + random(6) }, () => {
    const from = random(3) === 0 ? NAMES : GLOBS;
    return from[random(from.length)]!;
  });
  for (let deep = random(3); deep > 0; deep--) segments.splice(random(segments.length + 1), 0, "**");
  let runs = 0;
  // The grammar allows eight runs in a pattern.
  return `/${segments
    .map((segment) =>
      segment === "**" || segment === "*"
        ? segment
        : [...segment].map((unit) => (unit === "*" && ++runs > 4 ? "?" : unit)).join(""),
    )
    .filter((segment, i, all) => segment !== "*" || all.slice(0, i).filter((one) => one === "*").length < 4)
    .join("/")}`;
}

function somePatterns(random: Random): string[] {
  return Array.from({ length: 1 + random(MAX_PATTERNS) }, () => somePattern(random));
}

function somePath(random: Random): string {
  const name = NAMES[random(NAMES.length)]!;
  const other = NAMES[random(NAMES.length)]!;
  return cut(`/${name}/${other}`.repeat(MAX_PATH_UNITS));
}

function changed({ patterns, path }: Hostile, random: Random): Hostile {
  switch (random(5)) {
    case 0:
      return { patterns, path: somePath(random) };
    case 1: {
      const at = random(path.length);
      return { patterns, path: cut(`${path.slice(0, at)}/${NAMES[random(NAMES.length)]!}${path.slice(at)}`) };
    }
    case 2:
      return { patterns: [...patterns, somePattern(random)].slice(-MAX_PATTERNS), path };
    case 3:
      return {
        patterns: patterns.length > 1 ? patterns.toSpliced(random(patterns.length), 1) : patterns,
        path,
      };
    default:
      return { patterns: patterns.toSpliced(random(patterns.length), 1, somePattern(random)), path };
  }
}

function cut(path: string): string {
  return path.slice(0, MAX_PATH_UNITS).replaceAll(/\/+/g, "/").replace(/\/$/, "");
}

/** mulberry32 */
function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
