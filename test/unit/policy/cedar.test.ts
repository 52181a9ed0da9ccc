import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CedarPolicies, directoriesOf } from "../../../src/broker/cedar/engine.ts";
import { compileCedar, PATH_ACTIONS } from "../../../src/policy/cedar/compile.ts";
import { compilePolicy, decidePath } from "../../../src/policy/decide.ts";
import { RIGHT, type RightName } from "../../../src/policy/rights.ts";

const names = fc.constantFrom("a", "b", "c d");
const directory = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
/** No directory is named so: a path is a file or a directory and never both. */
const path = fc.tuple(directory, fc.constantFrom("f", "*")).map(([above, name]) => `${above}/${name}`);
const actions = fc.uniqueArray(fc.constantFrom<RightName>("read", "write", "list"), { minLength: 1 });
const scope = fc.oneof(
  directory.map((one) => `resource in Dir::"${one}"`),
  directory.map((one) => `resource == File::"${one}/f"`),
  fc.constant("resource"),
);
const principal = fc.constantFrom(
  "principal",
  'principal == Agent::"writer"',
  'principal == Agent::"reader"',
  "principal is Agent",
);
const policy = fc.tuple(fc.constantFrom("permit", "permit", "forbid"), principal, actions, scope);

describe("the compiled subset of Cedar", () => {
  it("decides as Cedar does", () => {
    let allowed = 0;
    fc.assert(
      fc.property(
        fc.array(policy, { minLength: 1, maxLength: 5 }),
        fc.array(path, { minLength: 8, maxLength: 8 }),
        (written, paths) => {
          const text = written
            .map(
              ([effect, who, which, what], at) =>
                `@id("p${at}") ${effect}(${who}, action in [${which.map((one) => `Action::"${one}"`).join(", ")}], ${what});`,
            )
            .join("\n");
          const cedar = CedarPolicies.parse("test.cedar", text);
          const { rules, remainder } = compileCedar(cedar.json, "writer");
          expect(remainder).toEqual([]);
          const compiled = compilePolicy(
            "cedar",
            rules.map(({ index, effect, rights, pattern }) => ({
              id: `p${index}`,
              effect,
              rights,
              pattern,
              reason: "",
            })),
          );
          for (const one of paths) {
            const action = PATH_ACTIONS[one.length % 2]!;
            const asked = cedar.ask({
              agent: "writer",
              action,
              resource: { type: "File", id: one, attributes: {} },
              parents: directoriesOf(one),
              context: { run: "r", uid: 0, minuteOfDay: 0, dayOfWeek: 0 },
            });
            expect(asked.errors).toEqual([]);
            expect(decidePath(compiled, one, RIGHT[action]).kind, `${action} ${one}\n${text}`).toBe(
              asked.kind,
            );
            if (asked.kind === "allow") allowed++;
          }
        },
      ),
      { numRuns: 120 },
    );
    expect(allowed).toBeGreaterThan(50);
  });

  it.each([
    [
      'permit(principal, action == Action::"read", resource) when { context.uid == 0 };',
      "it has a condition",
    ],
    [
      'permit(principal in Agent::"team", action == Action::"read", resource);',
      "its principal is not one agent",
    ],
    [
      '@path("/etc/**") permit(principal, action == Action::"read", resource in Dir::"/srv");',
      "its resource is no directory, file or @path",
    ],
  ])("leaves to Cedar: %s", async (text, why) => {
    const { readCedar } = await import("../../../src/broker/cedar/engine.ts");
    const { policies } = readCedar(text);
    expect(
      compileCedar(
        policies.map(({ json }) => json),
        "writer",
      ).remainder,
    ).toEqual([{ index: 0, why }]);
  });

  it("narrows by @path", async () => {
    const cedar = CedarPolicies.parse(
      "test.cedar",
      '@id("a") @path("/srv/**/*.md") permit(principal, action == Action::"read", resource in Dir::"/srv");',
    );
    expect(compileCedar(cedar.json, "writer").rules).toEqual([
      { index: 0, effect: "allow", rights: RIGHT.read, pattern: "/srv/**/*.md" },
    ]);
  });
});
