/** Biscuits that say what is not understood: refused with the line. */
import { describe, expect, it } from "vitest";
import { readBiscuit } from "../../../src/tokens/biscuit/biscuit.ts";
import type { Block, Expression, Rule } from "../../../src/tokens/biscuit/datalog.ts";
import { parseRootKey } from "../../../src/tokens/biscuit/text.ts";
import {
  biscuit,
  checkIf,
  date,
  named,
  newBiscuitKey,
  op,
  pred,
  query,
  refusalOf,
  setOf,
  text,
} from "../../support/biscuit.ts";

const ROOT = newBiscuitKey();
const root = parseRootKey(ROOT.text);
const RIGHT: Partial<Block> = { facts: [pred("right", "/w/a", "read")] };
const ALSO: Partial<Block> = { facts: [pred("right", "/w/b", "write")] };
const ONLY_WRITE: Partial<Block> = { checks: [checkIf(query([pred("operation", "write")]))] };
const NARROW: Partial<Block> = { checks: [checkIf(query([pred("operation", "read")]))] };
const r = named("r");
const o = named("o");
const resource = pred("resource", r);
const operation = pred("operation", o);

const one = (body: Rule["body"], ...expressions: readonly Expression[]): Partial<Block> => ({
  checks: [checkIf(query(body, ...expressions))],
});

describe("what is not understood is refused with its line:", () => {
  it.each<[string, readonly Partial<Block>[], string, string]>([
    ["a fact", [{ facts: [...RIGHT.facts!, pred("user", "alice")] }], "block 0, fact 2", 'user("alice")'],
    [
      "a right of three terms",
      [{ facts: [pred("right", "/w/a", "read", "x")] }],
      "block 0, fact 1",
      'right("/w/a", "read", "x")',
    ],
    [
      "a right to what is no action",
      [{ facts: [pred("right", "/w/a", "fly")] }],
      "block 0, fact 1",
      'right("/w/a", "fly")',
    ],
    [
      "a right to a relative path",
      [{ facts: [pred("right", "a", "read")] }],
      "block 0, fact 1",
      'right("a", "read")',
    ],
    [
      "a right to a path with dots",
      [{ facts: [pred("right", "/w/../etc", "read")] }],
      "block 0, fact 1",
      "it names no absolute",
    ],
    [
      "a right to a variable",
      [{ facts: [pred("right", r, "read")] }],
      "block 0, fact 1",
      'right($r, "read")',
    ],
    ["a fact of a later block", [RIGHT, ALSO], "block 1, fact 1", "only the first block"],
    [
      "a time that a token brings along",
      [{ facts: [...RIGHT.facts!, pred("time", date(0))] }],
      "block 0, fact 2",
      "time(1970-01-01T00:00:00Z)",
    ],
    [
      "a rule",
      [
        {
          ...RIGHT,
          rules: [
            {
              head: pred("right", r, "write"),
              body: [pred("right", r, "read")],
              expressions: [],
              scopes: [],
            },
          ],
        },
      ],
      "block 0, rule 1",
      'right($r, "write") <- right($r, "read")',
    ],
    [
      "check all",
      [RIGHT, { checks: [{ kind: "all", queries: [query([operation])] }] }],
      "block 1, check 1",
      "check all operation($o)",
    ],
    [
      "reject if",
      [RIGHT, { checks: [{ kind: "reject", queries: [query([operation])] }] }],
      "block 1, check 1",
      "reject if operation($o)",
    ],
    [
      "the second check",
      [RIGHT, { checks: [...NARROW.checks!, checkIf(query([pred("hour", named("h"))]))] }],
      "block 1, check 2",
      "check if hour($h)",
    ],
    [
      "a check of the authority",
      [{ ...RIGHT, ...one([pred("ip_address", named("i"))]) }],
      "block 0, check 1",
      "check if ip_address($i)",
    ],
    [
      "one of two by or",
      [RIGHT, { checks: [checkIf(query([operation]), query([pred("admin", text("x"))]))] }],
      "block 1, check 1",
      'check if operation($o) or admin("x")',
    ],
    [
      "not",
      [RIGHT, one([operation], { kind: "unary", op: "!", of: op(o, "==", text("write")) })],
      "block 1, check 1",
      '!$o == "write"',
    ],
    ["unlike", [RIGHT, one([operation], op(o, "!=", text("write")))], "block 1, check 1", '$o != "write"'],
    [
      "a part of the path",
      [RIGHT, one([resource], op(r, "contains", text("a")))],
      "block 1, check 1",
      '$r.contains("a")',
    ],
    [
      "a regular expression",
      [RIGHT, one([resource], op(r, "matches", text("/w/.*")))],
      "block 1, check 1",
      '$r.matches("/w/.*")',
    ],
    [
      "an end over a slash",
      [RIGHT, one([resource], op(r, "ends_with", text("w/a")))],
      "block 1, check 1",
      "only the end of a name",
    ],
    [
      "a begin without a slash",
      [RIGHT, one([resource], op(r, "starts_with", text("w")))],
      "block 1, check 1",
      "no path begins so",
    ],
    [
      "a begin of an operation",
      [RIGHT, one([operation], op(o, "starts_with", text("re")))],
      "block 1, check 1",
      "none of the comparisons",
    ],
    [
      "a begin the other way round",
      [RIGHT, one([resource], op(text("/w/a/b"), "starts_with", r))],
      "block 1, check 1",
      "none of the comparisons",
    ],
    [
      "a number",
      [RIGHT, one([operation], op(o, "==", { kind: "integer", value: 1n }))],
      "block 1, check 1",
      "$o == 1",
    ],
    [
      "a set of numbers",
      [RIGHT, one([operation], op({ kind: "set", terms: [{ kind: "integer", value: 1n }] }, "contains", o))],
      "block 1, check 1",
      "{1}.contains($o)",
    ],
    ["two variables", [RIGHT, one([resource, operation], op(r, "==", o))], "block 1, check 1", "$r == $o"],
    [
      "a free variable",
      [RIGHT, one([operation], op(named("x"), "==", text("read")))],
      "block 1, check 1",
      '$x == "read"',
    ],
    [
      "a right to somebody else",
      [RIGHT, one([operation, pred("right", named("x"), o)])],
      "block 1, check 1",
      "right($x, $o)",
    ],
    [
      "a variable for two things",
      [RIGHT, one([resource, pred("operation", r)])],
      "block 1, check 1",
      "$r stands for two things",
    ],
    [
      "a second",
      [RIGHT, one([pred("time", named("t"))], op(named("t"), "==", date(0)))],
      "block 1, check 1",
      "$t == 1970-01-01T00:00:00Z",
    ],
    [
      "a time that is a number",
      [RIGHT, one([pred("time", named("t"))], op(named("t"), "<", { kind: "integer", value: 5n }))],
      "block 1, check 1",
      "$t < 5",
    ],
    [
      "a closure",
      [
        RIGHT,
        one(
          [],
          op(setOf("read"), "any", {
            kind: "closure",
            params: ["x"],
            body: op(named("x"), "==", text("read")),
          }),
        ),
      ],
      "block 1, check 1",
      '.any($x -> $x == "read")',
    ],
    [
      "a check that trusts",
      [RIGHT, { checks: [{ kind: "if", queries: [{ ...query([operation]), scopes: ["previous"] }] }] }],
      "block 1, check 1",
      "trusting previous",
    ],
    ["a block that trusts", [RIGHT, { ...NARROW, scopes: ["previous"] }], "block 1", "trusting previous"],
    [
      "rights that end at different times",
      [
        { facts: [...RIGHT.facts!, ...ALSO.facts!] },
        {
          checks: [
            checkIf(
              query([pred("operation", "read"), pred("time", named("t"))], op(named("t"), "<", date(1e12))),
              query([pred("operation", "write")]),
            ),
          ],
        },
      ],
      "biscuit",
      "different times",
    ],
    [
      "two patterns that have no one in common",
      [
        { facts: [pred("right_pattern", "/a*/**", "read")] },
        one([resource], op(r, "starts_with", text("/a"))),
        { ...one([resource], op(r, "ends_with", text("x"))) },
        one([resource], op(r, "ends_with", text("y"))),
      ],
      "block 3, check 1",
      "plainer paths",
    ],
  ])("%s", (_what, blocks, field, line) => {
    const refusal = refusalOf(() => readBiscuit(biscuit(ROOT, blocks), root));
    expect({ reason: refusal.reason, field: refusal.field }).toEqual({ reason: "unknown-datalog", field });
    expect(refusal.problem).toContain(line);
    expect(refusal.problem.length).toBeLessThan(600);
  });

  it("and one of which nothing is left is no token", () => {
    expect(refusalOf(() => readBiscuit(biscuit(ROOT, [RIGHT, ONLY_WRITE]), root)).reason).toBe(
      "nothing-granted",
    );
    expect(refusalOf(() => readBiscuit(biscuit(ROOT, [NARROW]), root)).reason).toBe("nothing-granted");
  });
});

it("one that would take long to understand is refused before it does", () => {
  const names = Array.from({ length: 500 }, (_, at) => `/w/${at}*/**`);
  const facts = names.map((name) => pred("right_pattern", name, "read"));
  const begins = Array.from({ length: 500 }, (_, at) =>
    query([resource], op(r, "starts_with", text(`/w/${at}`))),
  );
  const bytes = biscuit(ROOT, [{ facts, checks: [checkIf(...begins)] }, { checks: [checkIf(...begins)] }]);
  const before = performance.now();
  expect(refusalOf(() => readBiscuit(bytes, root)).reason).toBe("unknown-datalog");
  expect(performance.now() - before).toBeLessThan(2000);
});
