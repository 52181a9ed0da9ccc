import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePolicy, decidePath } from "../../../src/policy/decide.ts";
import { escapePattern, expandPattern, parsePattern } from "../../../src/policy/pattern.ts";
import { RIGHT } from "../../../src/policy/rights.ts";
import { SallyportError } from "../../../src/protocol/errors.ts";
import { isCleanPath } from "../../../src/protocol/path.ts";
import { oracleMatches } from "../../support/pattern_oracle.ts";

// Joined, so that no linter takes them for template strings that lost their backquotes.
const variable = (name: string) => `$\{${name}}`;

function matches(pattern: string, path: string): boolean {
  const rule = { id: "r", effect: "allow", rights: RIGHT.read, pattern, reason: "" } as const;
  return decidePath(compilePolicy("p", [rule], 7), path, RIGHT.read).kind === "allow";
}

function problemOf(pattern: string): string {
  try {
    parsePattern(pattern);
    return "";
  } catch (error) {
    expect(error).toBeInstanceOf(SallyportError);
    return (error as Error).message;
  }
}

describe("patterns", () => {
  it.each([
    ["/a/**", "/a", true],
    ["/a/**", "/a/b/c", true],
    ["/a/**", "/ab", false],
    ["/*/**", "/a", true],
    ["/a/*", "/a/.env", true],
    ["/a/*", "/a", false],
    ["/a/*", "/a/b/c", false],
    ["/a/?", "/a/😀", true],
    ["/a/??", "/a/😀", false],
    ["/a/*?", "/a/😀", true],
    ["/A/*", "/a/x", false],
    ["/a/café", "/a/cafe\u0301", false],
    ["/a/**", "/a/../etc/passwd", false],
    ["/a/**", "/a//b", false],
    ["/a/**", "/a/b/", false],
    ["/**", "/", true],
    ["/", "/", true],
    ["/", "/a", false],
    ["**/.env", "/.env", true],
    ["**/.env", "/a/b/.env", true],
    ["**/.env", "/a/b/.env/c", false],
    ["/a/**/b/**", "/a/b", true],
    ["/a/**/**", "/a", true],
    ["/a/\\*", "/a/*", true],
    ["/a/\\*", "/a/b", false],
    ["/a/b\\\\c", "/a/b\\c", true],
    ["/a/x (1).pdf", "/a/x (1).pdf", true],
    ["/__proto__/constructor", "/__proto__/constructor", true],
  ])("%s on %s is %s", (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it.each([
    ["", 1],
    ["a/b", 1],
    ["/a//b", 4],
    ["/a/", 4],
    ["/a/../b", 4],
    ["/./a", 2],
    ["/a/b**", 5],
    ["/a/***", 4],
    ["/a/**b", 4],
    ["/a/[ab]", 4],
    ["/a/{b,c}", 4],
    ["/a/!(b)", 5],
    ["/a/\\b", 4],
    ["/a/b\\", 5],
    ["/a\0", 3],
    ["/\ud800", 1],
    ["**", 1],
    ["/**/a/**/b/**", 12],
    ["/*a*a*a*a*a*a*a*a*", 2],
    [`/a${"/b".repeat(64)}`, 130],
    [`/${"a".repeat(4_096)}`, 4_097],
  ])("refuses %j at column %i", (pattern, column) => {
    expect(problemOf(pattern)).toContain(`column ${column}:`);
  });

  it("puts values in as literals", () => {
    const pattern = expandPattern(`${variable("workspace")}/*.md`, { workspace: "/w/*[?" });
    expect(matches(pattern, "/w/*[?/a.md")).toBe(true);
    expect(matches(pattern, "/w/xyz/a.md")).toBe(false);
    expect(expandPattern(`/tmp/run-${variable("run")}/**`, { run: "7f" })).toBe("/tmp/run-7f/**");
    expect(expandPattern(`${variable("home")}/a`, { home: "/" })).toBe("/a");
    expect(expandPattern(variable("home"), { home: "/" })).toBe("/");
    expect(expandPattern("/a/\\$\\{home\\}", { home: "/h" })).toBe("/a/\\$\\{home\\}");
  });

  it.each([
    [variable("nobody"), {}],
    [variable("home"), {}],
    [variable("constructor"), {}],
    ["${home", { home: "/h" }],
    [`/x${variable("home")}`, { home: "/h" }],
    [`${variable("home")}x`, { home: "/h" }],
    [variable("home"), { home: "/h/../e" }],
    [`/${variable("run")}`, { run: "a/b" }],
    [`/${variable("run")}`, { run: "" }],
  ])("does not expand %s with %j", (pattern, variables) => {
    expect(() => expandPattern(pattern, variables)).toThrow(SallyportError);
  });

  it("an escaped name matches itself and nothing else", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(name, name, (a, b) => {
        fc.pre(isCleanPath(`/${a}`) && isCleanPath(`/${b}`) && !a.includes("/") && !b.includes("/"));
        expect(matches(`/${escapePattern(a)}`, `/${a}`)).toBe(true);
        expect(matches(`/${escapePattern(a)}`, `/${b}`)).toBe(a === b);
      }),
      { numRuns: 2_000 },
    );
  });

  it("one pattern agrees with the oracle", () => {
    const unit = fc.constantFrom("a", "b", ".", "é", "😀", "*", "?", "\\*");
    const patternSegment = fc.oneof(
      fc.array(unit, { minLength: 1, maxLength: 5 }).map((u) => u.join("")),
      fc.constant("**"),
    );
    const pathSegment = fc.array(fc.constantFrom("a", "b", ".", "é", "😀", "*"), {
      minLength: 1,
      maxLength: 4,
    });
    const path = fc
      .array(
        pathSegment.map((u) => u.join("")),
        { maxLength: 5 },
      )
      .map((s) => `/${s.join("/")}`);
    const pattern = fc.array(patternSegment, { minLength: 1, maxLength: 5 }).map((s) => `/${s.join("/")}`);
    let agreed = 0;
    fc.assert(
      fc.property(pattern, path, (p, q) => {
        if (problemOf(p) !== "" || !isCleanPath(q)) return;
        agreed++;
        expect(matches(p, q)).toBe(oracleMatches(p, q));
      }),
      { numRuns: 20_000 },
    );
    expect(agreed).toBeGreaterThan(5_000);
  });
});
