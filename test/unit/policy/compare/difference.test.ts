import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadProfile } from "../../../../src/broker/profiles.ts";
import { parseCases, policiesOf, runCase } from "../../../../src/policy/compare/cases.ts";
import { differencesOf } from "../../../../src/policy/compare/difference.ts";
import { decidePath } from "../../../../src/policy/decide.ts";
import type { ProfileRule, ResolvedProfile } from "../../../../src/policy/profile.ts";
import { RIGHT } from "../../../../src/policy/rights.ts";

const base = loadProfile(":workspace");
const segment = fc.constantFrom("a", "b", "*", "**", "a*");
const pattern = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`)
  .filter((text) => text.split("**").length < 3);
const rule = fc.record({
  effect: fc.constantFrom<"allow" | "deny">("allow", "allow", "deny"),
  rights: fc.constantFrom<number>(RIGHT.read, RIGHT.write, RIGHT.read | RIGHT.write),
  patterns: fc.array(pattern, { minLength: 1, maxLength: 2 }),
  except: fc.array(pattern, { maxLength: 1 }),
});
const profile = fc.array(rule, { maxLength: 3 }).map(
  (rules): ResolvedProfile => ({
    ...base,
    rules: rules.map((one, at): ProfileRule => ({ id: `rule-${at}`, reason: "", remedy: "", ...one })),
  }),
);
const path = fc
  .array(fc.constantFrom("a", "b", "ab", "c"), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`);

const policyOf = ({ rules }: ResolvedProfile) =>
  policiesOf(
    "test",
    rules.flatMap(({ id, effect, rights, patterns, except, reason }) =>
      patterns.map((one) => ({ id, effect, rights, pattern: one, except, reason })),
    ),
    [],
  )[0];

describe("a difference of policies", () => {
  it("names what makes the second grant more: without such a line it grants nothing more", () => {
    let more = 0;
    fc.assert(
      fc.property(
        profile,
        profile,
        fc.array(path, { minLength: 20, maxLength: 20 }),
        (before, after, paths) => {
          const [left, right] = [policyOf(before), policyOf(after)];
          const changes = differencesOf(before, after);
          for (const one of paths) {
            for (const name of ["read", "write"] as const) {
              const allows = (policy: typeof left) => decidePath(policy, one, RIGHT[name]).kind === "allow";
              if (!allows(right) || allows(left)) continue;
              more++;
              const naming = changes.filter(
                ({ kind, side, rights }) =>
                  rights.includes(name) &&
                  ((kind === "grants" && side === "appears") || (kind === "denies" && side === "disappears")),
              );
              // An exception of an allow rule is the absence of a grant.
              const excepted = before.rules.some(({ except }) => except.length > 0);
              expect(naming.length > 0 || excepted, `${name} ${one}`).toBe(true);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(more).toBeGreaterThan(50);
  });

  it("is none between a profile and itself", () => {
    fc.assert(
      fc.property(profile, (one) => {
        expect(differencesOf(one, one)).toEqual([]);
      }),
    );
    expect(differencesOf(base, base)).toEqual([]);
  });

  it("names hosts and fields", () => {
    const after = {
      ...base,
      undo: "off" as const,
      network: { allow: ["a.test"], listen: [], credentials: [] },
    };
    expect(differencesOf(base, after).map(({ what }) => what)).toEqual([
      "a.test",
      'undo: "journaled" → "off"',
    ]);
  });
});

describe("cases", () => {
  const [policy, network] = policiesOf(
    "test",
    [{ id: "one", effect: "allow", rights: RIGHT.read, pattern: "/a/**", reason: "" }],
    ["a.test:443"],
  );
  const run = (one: object) => {
    const parsed = parseCases({ cases: [one] });
    return parsed.ok ? runCase(policy, network, parsed.value[0]!).problem : parsed.problems[0]!.field;
  };

  it.each([
    [{ op: "read", path: "/a/b", expect: "allow", rule: "one" }, null],
    [{ op: "read", path: "/b", expect: "deny", rule: "default-deny" }, null],
    [{ op: "read", path: "/b", expect: "allow" }, "is deny, expected allow"],
    [{ op: "read", path: "/a/b", expect: "allow", rule: "two" }, "is decided by one, expected two"],
    [{ op: "connect", host: "a.test", expect: "allow" }, null],
    [{ op: "connect", host: "a.test", port: 22, expect: "allow" }, "is deny, expected allow"],
    [{ op: "read", path: "/a", expect: "allow", rulez: "one" }, "cases[0].rulez"],
    [{ op: "fly", path: "/a", expect: "allow" }, "cases[0].op"],
    [{ op: "read", path: "/a" }, "cases[0].expect"],
    [{ op: "read", host: "a.test", expect: "deny" }, "cases[0].op"],
    [{ op: "read", expect: "deny" }, "cases[0].path"],
  ])("%j: %s", (one, problem) => {
    expect(run(one)).toBe(problem);
  });
});
