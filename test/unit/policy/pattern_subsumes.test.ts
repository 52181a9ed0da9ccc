import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePattern } from "../../../src/policy/pattern.ts";
import { patternSubsumes } from "../../../src/policy/pattern_subsumes.ts";
import { oracleMatches } from "../../support/pattern_oracle.ts";

function subsumes(parents: readonly string[], child: string): boolean {
  return patternSubsumes(
    parents.map((parent) => parsePattern(parent)),
    parsePattern(child),
  );
}

const NAMES = ["a", "b", "c", "aa", "ab", "ba", "bb", "aab", "aba", "😀", "a😀"];
const PATHS: readonly string[] = (() => {
  const paths = ["/"];
  let level = [""];
  for (let depth = 0; depth < 3; depth++) {
    level = level.flatMap((prefix) => NAMES.map((name) => `${prefix}/${name}`));
    paths.push(...level);
  }
  return paths;
})();

const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("a", "b", "ab", "😀") },
  { weight: 3, arbitrary: fc.constantFrom("a*", "*b", "*a*", "?", "a?", "??", "?*", "*?b", "a*b") },
  { weight: 2, arbitrary: fc.constant("*") },
);
const pattern = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.array(fc.nat({ max: 3 }), { maxLength: 2 }))
  .map(([segments, deeps]) => {
    const all: string[] = [...segments];
    for (const at of deeps) all.splice(at, 0, "**");
    return `/${all.join("/")}`;
  });

describe("one pattern within others", () => {
  it.each([
    [["/w/**"], "/w"],
    [["/w/**"], "/w/a/b/*.pdf"],
    [["/w/**/*.md"], "/w/docs/**/a*.md"],
    [["/w/**"], "/w/**/x/**"],
    [["/**"], "/"],
    [["/w/*"], "/w/?"],
    [["/w/?*"], "/w/*"],
    [["/w/*a*"], "/w/?a"],
    [["/w/*😀"], "/w/?😀"],
    [["/a", "/b/**"], "/b/*/c"],
    [["**/.env"], "/w/**/.env"],
    [["/**/*"], "/w/**"],
    [["/w/\\*"], "/w/\\*"],
  ])("%j holds %s", (parents, child) => {
    expect(subsumes(parents, child)).toBe(true);
  });

  it.each([
    [["/w/*"], "/w/**"],
    [["/w/*.pdf"], "/w/*"],
    [["/w/*.pdf"], "/w/*.pdf*"],
    [["/w/**/*"], "/**"],
    [["/w/?"], "/w/*"],
    [["/w/??"], "/w/😀"],
    [["/w/a*b"], "/w/a*"],
    [["/w/\\*"], "/w/*"],
    [["/w"], "/w/**"],
    [["/W/**"], "/w/a"],
    [[], "/w"],
  ])("%j does not hold %s", (parents, child) => {
    expect(subsumes(parents, child)).toBe(false);
  });

  it("is never wrong when it says yes", () => {
    let held = 0;
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), pattern, (parents, child) => {
        if (!subsumes(parents, child)) return;
        held++;
        for (const path of PATHS)
          if (oracleMatches(child, path))
            expect(
              parents.some((parent) => oracleMatches(parent, path)),
              path,
            ).toBe(true);
      }),
      { numRuns: 1500 },
    );
    expect(held).toBeGreaterThan(50);
  });

  it("misses little when it says no to one parent", () => {
    let missed = 0;
    let compared = 0;
    fc.assert(
      fc.property(pattern, pattern, (parent, child) => {
        const matched = PATHS.filter((path) => oracleMatches(child, path));
        if (matched.length === 0) return;
        compared++;
        if (matched.every((path) => oracleMatches(parent, path)) && !subsumes([parent], child)) missed++;
      }),
      { numRuns: 1500 },
    );
    expect(missed / compared).toBeLessThan(0.03);
  });

  it("gives up on hostile patterns in bounded time", () => {
    const histories = `/*a${"?".repeat(80)}`;
    expect(subsumes([histories], "/*a*b*")).toBe(false);
    expect(subsumes([histories], histories)).toBe(true);
    const many = Array.from({ length: 64 }, (_, i) => `/**/${"?".repeat(i + 1)}*/**/a`);
    expect(subsumes(many, "/**/b/**/c")).toBe(false);
    expect(subsumes(["/**/*a*a*a/**/*a*a*a*"], "/**/*a*a*a/**/*a*a*a*")).toBe(true);
  });
});
