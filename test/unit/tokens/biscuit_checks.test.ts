/** Random Biscuits against what each of their checks means by itself. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { checkPath } from "../../../src/policy/capability/path_target.ts";
import { readBiscuit } from "../../../src/tokens/biscuit/biscuit.ts";
import type { Block, Expression } from "../../../src/tokens/biscuit/datalog.ts";
import { parseRootKey } from "../../../src/tokens/biscuit/text.ts";
import { TokenRefused } from "../../../src/tokens/refusal.ts";
import {
  biscuit,
  checkIf,
  named,
  newBiscuitKey,
  op,
  pred,
  query,
  setOf,
  text,
} from "../../support/biscuit.ts";

const ROOT = newBiscuitKey();
const root = parseRootKey(ROOT.text);
const r = named("r");
const o = named("o");
const resource = pred("resource", r);
const operation = pred("operation", o);

/** A condition on a request, with what it means by itself. */
type Condition = {
  readonly expression: Expression;
  readonly holds: (path: string, action: string) => boolean;
};
const PATHS = ["/", "/a", "/a/b", "/a/b.x", "/ab", "/ab/c", "/b/a/c.x", "/a/.x", "/b.x"];
const ACTIONS = ["read", "write", "list"];
const atom = fc.oneof(
  fc.constantFrom("/", "/a", "/a/", "/a/b", "/b/", "/ab").map(
    (begin): Condition => ({
      expression: op(r, "starts_with", text(begin)),
      holds: (path) => path.startsWith(begin),
    }),
  ),
  fc.constantFrom(".x", "b", "c.x", "x").map(
    (end): Condition => ({
      expression: op(r, "ends_with", text(end)),
      holds: (path) => path.endsWith(end),
    }),
  ),
  fc
    .constantFrom(...PATHS)
    .map((is): Condition => ({ expression: op(r, "==", text(is)), holds: (path) => path === is })),
  fc.subarray(ACTIONS, { minLength: 1 }).map(
    (some): Condition => ({
      expression: op(setOf(...some), "contains", o),
      holds: (_path, action) => some.includes(action),
    }),
  ),
);
const condition = fc.oneof(
  atom,
  fc.tuple(atom, atom, fc.constantFrom("&&", "||")).map(
    ([left, right, word]): Condition => ({
      expression: op(left.expression, word, { kind: "closure", params: [], body: right.expression }),
      holds: (path, action) =>
        word === "&&"
          ? left.holds(path, action) && right.holds(path, action)
          : left.holds(path, action) || right.holds(path, action),
    }),
  ),
);
const rights = fc.array(
  fc.record({
    pattern: fc.constantFrom("/**", "/a/**", "/a/*", "/**/*.x", ...PATHS),
    action: fc.constantFrom(...ACTIONS),
  }),
  { minLength: 1, maxLength: 4 },
);

it("never grants what one of the checks does not let, whatever they are, and hardly less", () => {
  let read = 0;
  let less = 0;
  fc.assert(
    fc.property(
      rights,
      fc.array(fc.array(condition, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
      (given, checks) => {
        const block: Partial<Block> = {
          facts: given.map(({ pattern, action }) => pred("right_pattern", pattern, action)),
          checks: checks.map((queries) =>
            checkIf(...queries.map(({ expression }) => query([resource, operation], expression))),
          ),
        };
        let grants: ReturnType<typeof readBiscuit>["grants"] = [];
        try {
          ({ grants } = readBiscuit(biscuit(ROOT, [block]), root));
          read++;
        } catch (error) {
          if (!(error instanceof TokenRefused)) throw error;
          if (error.refusal.reason !== "nothing-granted") return;
        }
        for (const path of PATHS)
          for (const action of ACTIONS) {
            const ours = grants.some(
              (grant) =>
                grant.action === action &&
                grant.target.kind === "path" &&
                checkPath(grant.target.pattern, path),
            );
            const theirs =
              given.some((right) => right.action === action && checkPath(right.pattern, path)) &&
              checks.every((queries) => queries.some(({ holds }) => holds(path, action)));
            if (ours && !theirs) throw new Error(`${action} ${path} is granted`);
            if (theirs && !ours) less++;
          }
      },
    ),
    { numRuns: 1000 },
  );
  expect(read).toBeGreaterThan(250);
  expect(less).toBeLessThan(read);
});
