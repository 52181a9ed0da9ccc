import { describe, expect, it } from "vitest";
import { compilePolicy, decidePath, type Rule } from "../../../src/policy/decide.ts";
import { buildEdgeTable, buildSegmentTable, mixUnit } from "../../../src/policy/hash.ts";
import { compileRules, matchPath, mayMatchBelow, stateSignature } from "../../../src/policy/trie.ts";
import { MAX_STEPS, walkPath } from "../../../src/policy/walk.ts";
import { oracleMatches } from "../../support/pattern_oracle.ts";

/** mulberry32: cases are the same in every run, and a failing one is told by its number. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below);
  };
}

const SEGMENTS = ["a", "b", "ab", ".env", "*", "**", "?", "a*", "*b", "*.*", "a?b*"];
const NAMES = ["a", "b", "ab", "aab", ".env", "a.b", "c"];

function randomPattern(random: (below: number) => number): string {
  const count = 1 + random(4);
  const segments: string[] = [];
  for (let i = 0; i < count; i++) {
    const segment = SEGMENTS[random(SEGMENTS.length)]!;
    segments.push(segment === "**" && segments.filter((s) => s === "**").length === 2 ? "a" : segment);
  }
  return `${segments[0] === "**" && count > 1 && random(2) === 0 ? "" : "/"}${segments.join("/")}`;
}

function randomPath(random: (below: number) => number, low = 0): string {
  return `/${Array.from({ length: low + random(5) }, () => NAMES[random(NAMES.length)]!).join("/")}`;
}

function randomRules(random: (below: number) => number): Rule[] {
  return Array.from({ length: 1 + random(8) }, (_, i) => ({
    id: `r${i}`,
    effect: random(3) === 0 ? "deny" : "allow",
    rights: 1 + random(7),
    pattern: randomPattern(random),
    reason: "",
  }));
}

describe("compiled rules", () => {
  it("agree with brute force on 40 000 rule sets and paths, down to the rule that is named", () => {
    const random = randomOf(1);
    let allowed = 0;
    let denied = 0;
    for (let set = 0; set < 2_000; set++) {
      const rules = randomRules(random);
      const policy = compilePolicy("p", rules, set);
      for (let i = 0; i < 20; i++) {
        const path = randomPath(random);
        const rights = 1 + random(7);
        const verdict = decidePath(policy, path, rights);
        const hits = rules.filter((rule) => oracleMatches(rule.pattern, path));
        const granted = hits.reduce((sum, rule) => (rule.effect === "allow" ? sum | rule.rights : sum), 0);
        const refused = hits.reduce((sum, rule) => (rule.effect === "deny" ? sum | rule.rights : sum), 0);
        const context = `${set}: ${JSON.stringify(rules)} ${path} ${rights}`;
        if ((refused & rights) !== 0) {
          const first = hits.find((rule) => rule.effect === "deny" && (rule.rights & rights) !== 0);
          expect(verdict, context).toEqual({ kind: "deny", rule: first, missing: refused & rights, path });
          denied++;
        } else if ((rights & ~granted) !== 0) {
          expect(verdict, context).toEqual({ kind: "deny", rule: null, missing: rights & ~granted, path });
        } else {
          const depth = (rule: Rule) => rule.pattern.replace(/^\//, "").split("/").length;
          const granting = hits.filter((rule) => rule.effect === "allow" && (rule.rights & rights) !== 0);
          const best = granting.reduce((a, b) => (depth(b) >= depth(a) ? b : a));
          expect(verdict, context).toEqual({ kind: "allow", rule: best, rights: best.rights });
          allowed++;
        }
      }
    }
    expect(allowed).toBeGreaterThan(3_000);
    expect(denied).toBeGreaterThan(2_000);
  });

  it("equal signatures mean equal denials below", () => {
    const random = randomOf(2);
    let equal = 0;
    for (let set = 0; set < 3_000; set++) {
      const rules = randomRules(random);
      const compiled = compileRules(rules, set);
      const [from, to] = [randomPath(random, 1), randomPath(random, 1)];
      if (stateSignature(compiled, from) !== stateSignature(compiled, to)) continue;
      equal++;
      for (let i = 0; i < 10; i++) {
        const below = randomPath(random, 1);
        expect(matchPath(compiled, from + below) >> 8).toBe(matchPath(compiled, to + below) >> 8);
      }
    }
    expect(equal).toBeGreaterThan(300);
  });

  it("names every deny rule that can match below a directory, and no other", () => {
    const random = randomOf(3);
    const tails = ["", ...NAMES, "x"].flatMap((a) =>
      ["", ...NAMES].flatMap((b) => ["", ...NAMES].map((c) => [a, b, c])),
    );
    const below = [...new Set(tails.map((names) => names.filter((name) => name !== "").join("/")))].filter(
      (t) => t !== "",
    );
    let named = 0;
    for (let set = 0; set < 600; set++) {
      const rules = randomRules(random).map((rule) => ({
        ...rule,
        pattern: rule.pattern.replace("a?b*", "aab"),
      }));
      const directory = randomPath(random);
      const found = mayMatchBelow(compileRules(rules, set), directory, 1);
      const prefix = directory === "/" ? "" : directory;
      const expected = rules.filter(
        ({ effect, rights, pattern }) =>
          effect === "deny" &&
          (rights & 1) !== 0 &&
          below.some((tail) => oracleMatches(pattern, `${prefix}/${tail}`)),
      );
      // Below three names the oracle sees no further; the automaton may name more, for deeper patterns only.
      for (const rule of expected) expect(found).toContain(rule);
      for (const rule of found) {
        const deeper = rule.pattern.split("/").length - 1 > 3;
        if (!deeper) expect(expected).toContain(rule);
      }
      named += found.length;
    }
    expect(named).toBeGreaterThan(50);
  });

  it("takes at most MAX_STEPS for any path, and refuses what takes more", () => {
    const rule = (pattern: string, i: number): Rule => ({
      id: `${i}`,
      effect: "allow",
      rights: 1,
      pattern,
      reason: "",
    });
    const patterns = [
      "/**/*a*a*a*a*a*a*a*b",
      "/**/a/**/a",
      "/**",
      "**/.env*",
      "/**/?*?*?*?*?*x",
      "/*/**/*/**/z",
    ];
    const wild = Array.from({ length: 500 }, (_, i) => `/**/*${i}*x`);
    const compiled = compileRules([...patterns, ...wild].map(rule), 9);
    for (const path of [
      "/a".repeat(2_048),
      `/${"a".repeat(4_095)}`,
      `/${"a".repeat(254)}`.repeat(16),
      "/.env/a".repeat(500),
    ]) {
      walkPath(compiled.states, compiled.trace, path, MAX_STEPS);
      // The last state of a segment may end one glob above the bound.
      expect(compiled.trace.steps).toBeLessThan(MAX_STEPS + 1_100);
    }
    expect(matchPath(compiled, "/a".repeat(2_048))).toBe(-1);
    expect(
      decidePath(compilePolicy("p", [rule("/**", 0), ...wild.map(rule)], 1), "/a".repeat(2_000), 1).kind,
    ).toBe("deny");
  });

  it("needs steps that grow with the path and not with the number of rules", () => {
    const steps = [10, 1_000, 50_000].map((count) => {
      const rules = Array.from({ length: count }, (_, i): Rule => {
        return { id: `${i}`, effect: "allow", rights: 1, pattern: `/m/t${i}/p/*.pdf`, reason: "" };
      });
      const compiled = compileRules(rules, 3);
      expect(matchPath(compiled, "/m/t7/p/a.pdf")).toBe(1);
      return compiled.trace.steps;
    });
    expect(new Set(steps).size).toBe(1);
  });

  it("keeps a run of segments once, however often a path enters it", () => {
    const pattern = "/**/a/**/b";
    const compiled = compileRules([{ id: "r", effect: "allow", rights: 1, pattern, reason: "" }], 3);
    const stepsOf = (count: number) => {
      expect(matchPath(compiled, `${"/a".repeat(count)}/b`)).toBe(1);
      expect(compiled.trace.deepCount).toBe(2);
      return compiled.trace.steps;
    };
    // A short path first: kept twice, such states double with every segment, and the long ones would not end.
    stepsOf(6);
    expect(stepsOf(300) - stepsOf(200)).toBe(stepsOf(200) - stepsOf(100));
  });

  it("gives the same results whatever the seed", () => {
    const rules = randomRules(randomOf(4));
    const paths = Array.from({ length: 200 }, (_, i) => randomPath(randomOf(i)));
    const results = [0, 1, -1, 0xffff_ffff, 12_345].map((seed) => {
      const compiled = compileRules(rules, seed);
      return paths.map((path) => matchPath(compiled, path));
    });
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it("settles tables of many segments and edges within the probe bound", () => {
    const texts = Array.from({ length: 20_000 }, (_, i) => `name-${i}`);
    expect(buildSegmentTable(texts, 5).lengths).toHaveLength(20_000);
    const edges = texts.flatMap((_, i) => [i >> 3, i & 7, i + 1]);
    expect(buildEdgeTable(edges, 5).slots.length / 3).toBeLessThan(400_000);
  });

  it("keeps names with equal hashes apart", () => {
    const allow = (name: string): Rule => ({
      id: name,
      effect: "allow",
      rights: 1,
      pattern: `/${name}`,
      reason: "",
    });
    // Keys come from the seed alone as long as the first attempt fits, so these are those of the rules below.
    const { start, factor } = compileRules([allow("x")], 77).states.segments;
    const seen = new Map<number, string>();
    let pair: [string, string] | undefined;
    for (let i = 1_000_000; pair === undefined; i++) {
      const name = String(i);
      let hash = start;
      for (let at = 0; at < name.length; at++) hash = mixUnit(hash, name.charCodeAt(at), factor);
      const other = seen.get(hash);
      if (other !== undefined) pair = [other, name];
      seen.set(hash, name);
    }
    const [one, two] = pair;
    expect(matchPath(compileRules([allow(one)], 77), `/${one}`)).toBe(1);
    expect(matchPath(compileRules([allow(one)], 77), `/${two}`)).toBe(0);
    const both = compilePolicy("p", [allow(one), allow(two)], 77);
    for (const name of pair) expect(decidePath(both, `/${name}`, 1)).toMatchObject({ rule: { id: name } });
  });

  it("refuses rights that are not known", () => {
    for (const rights of [0, -1, 512, 1.5, Number.NaN]) {
      expect(() =>
        compileRules([{ id: "r", effect: "allow", rights, pattern: "/a", reason: "" }], 1),
      ).toThrow("rights");
    }
  });
});
