/** Biscuits that are refused: forged ones, and those that say what is not understood. */
import { sign } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPath } from "../../../src/policy/capability/path_target.ts";
import { readBiscuit } from "../../../src/tokens/biscuit/biscuit.ts";
import type { Block, Expression, Rule } from "../../../src/tokens/biscuit/datalog.ts";
import { biscuitBytes, parseRootKey } from "../../../src/tokens/biscuit/text.ts";
import { type Refusal, type RefusalReason, TokenRefused } from "../../../src/tokens/refusal.ts";
import {
  assemble,
  biscuit,
  checkIf,
  date,
  encodeBlocks,
  len,
  named,
  newBiscuitKey,
  num,
  op,
  open,
  pred,
  query,
  seal,
  setOf,
  signAll,
  signBlock,
  signedBytes,
  term,
  text,
} from "../../support/biscuit.ts";

const ROOT = newBiscuitKey();
const OTHER = newBiscuitKey();
const root = parseRootKey(ROOT.text);
const RIGHT: Partial<Block> = { facts: [pred("right", "/w/a", "read")] };
const ALSO: Partial<Block> = { facts: [pred("right", "/w/b", "write")] };
const ONLY_WRITE: Partial<Block> = { checks: [checkIf(query([pred("operation", "write")]))] };
const NARROW: Partial<Block> = { checks: [checkIf(query([pred("operation", "read")]))] };
const r = named("r");
const o = named("o");
const resource = pred("resource", r);
const operation = pred("operation", o);
const DATA = encodeBlocks([RIGHT, NARROW]);

function refusalOf(read: () => unknown): Refusal {
  try {
    read();
  } catch (error) {
    if (error instanceof TokenRefused) return error.refusal;
    throw error;
  }
  throw new Error("it was taken");
}

/** Both blocks rightly signed, and then put together otherwise. */
function spliced(
  make: (signed: ReturnType<typeof signAll>) => {
    readonly blocks: readonly Buffer[];
    readonly proof: Buffer;
  },
): Buffer {
  const { blocks, proof } = make(signAll(ROOT, DATA));
  return assemble(blocks, proof);
}

describe("a Biscuit is refused that is", () => {
  it.each<[string, RefusalReason, string, () => Buffer]>([
    ["signed by another root key", "bad-signature", "block 0", () => biscuit(OTHER, [RIGHT])],
    [
      "changed in its authority",
      "bad-signature",
      "block 0",
      () => {
        const [first] = signAll(ROOT, DATA.slice(0, 1));
        const wide = encodeBlocks([{ facts: [pred("right", "/w/b", "read")] }])[0]!;
        return assemble([signedBytes(wide, first!.next, first!.signature, 1)], open(first!));
      },
    ],
    [
      "changed in a check",
      "bad-signature",
      "block 1",
      () =>
        spliced(([first, second]) => {
          const [, wide] = encodeBlocks([
            RIGHT,
            { checks: [checkIf(query([], term({ kind: "bool", value: true })))] },
          ]);
          return {
            blocks: [first!.bytes, signedBytes(wide!, second!.next, second!.signature, 1)],
            proof: open(second!),
          };
        }),
    ],
    [
      "cut before its last check",
      "bad-signature",
      "proof",
      () => spliced(([first, second]) => ({ blocks: [first!.bytes], proof: open(second!) })),
    ],
    [
      "cut, and sealed by whoever holds the last key",
      "bad-signature",
      "proof",
      () =>
        spliced(([first, second]) => ({
          blocks: [first!.bytes],
          proof: len(
            4,
            len(
              2,
              sign(
                null,
                Buffer.concat([first!.data, Buffer.alloc(4), first!.next.bytes, first!.signature]),
                second!.next.secret,
              ),
            ),
          ),
        })),
    ],
    [
      "without its authority",
      "bad-signature",
      "block 0",
      () => spliced(([, second]) => ({ blocks: [second!.bytes], proof: open(second!) })),
    ],
    [
      "of blocks in another order",
      "bad-signature",
      "block 0",
      () => spliced(([first, second]) => ({ blocks: [second!.bytes, first!.bytes], proof: open(second!) })),
    ],
    [
      "of blocks twice",
      "bad-signature",
      "block 2",
      () =>
        spliced(([first, second]) => ({
          blocks: [first!.bytes, second!.bytes, second!.bytes],
          proof: open(second!),
        })),
    ],
    [
      "of the blocks of two",
      "bad-signature",
      "block 1",
      () => {
        const [first] = signAll(ROOT, DATA);
        const [, foreign] = signAll(ROOT, DATA);
        return assemble([first!.bytes, foreign!.bytes], open(foreign!));
      },
    ],
    [
      "put behind another's block by version 1",
      "bad-signature",
      "block 1",
      () => {
        // The key of the next block is the same; the signature before it is not.
        const [first] = signAll(ROOT, DATA.slice(0, 1));
        const second = signBlock(DATA[1]!, first!.next, newBiscuitKey(), 1, Buffer.alloc(64));
        return assemble([first!.bytes, second.bytes], open(second));
      },
    ],
    [
      "sealed, and then narrowed",
      "bad-signature",
      "proof",
      () => spliced(([first, second]) => ({ blocks: [first!.bytes, second!.bytes], proof: seal(first!) })),
    ],
    [
      "open with the secret of somebody",
      "bad-signature",
      "proof",
      () =>
        spliced(([first, second]) => ({
          blocks: [first!.bytes, second!.bytes],
          proof: len(4, len(1, OTHER.seed)),
        })),
    ],
    [
      "open with a short secret",
      "bad-signature",
      "proof",
      () => spliced(([first]) => ({ blocks: [first!.bytes], proof: len(4, len(1, Buffer.alloc(31))) })),
    ],
    [
      "open and sealed",
      "bad-protobuf",
      "proof",
      () =>
        spliced(([first]) => ({
          blocks: [first!.bytes],
          proof: len(4, len(1, first!.next.seed), len(2, first!.signature)),
        })),
    ],
    [
      "without proof",
      "bad-protobuf",
      "biscuit",
      () => spliced(([first]) => ({ blocks: [first!.bytes], proof: Buffer.alloc(0) })),
    ],
    [
      "with an empty proof",
      "bad-protobuf",
      "proof",
      () => spliced(([first]) => ({ blocks: [first!.bytes], proof: len(4) })),
    ],
    ["signed in a manner of the future", "malformed", "block 0", () => biscuit(ROOT, [RIGHT], "open", 2)],
    [
      "signed by a third party too",
      "third-party-block",
      "block 1",
      () =>
        spliced(([first, second]) => {
          const by = len(4, len(1, Buffer.alloc(64)), len(2, num(1, 0), len(2, OTHER.bytes)));
          return {
            blocks: [first!.bytes, signedBytes(second!.data, second!.next, second!.signature, 1, by)],
            proof: open(second!),
          };
        }),
    ],
    [
      "of another curve",
      "algorithm-unsupported",
      "block 0",
      () => {
        const [first] = signAll(ROOT, DATA);
        const key = len(2, num(1, 1), len(2, first!.next.bytes));
        return assemble([Buffer.concat([len(1, first!.data), key, len(3, first!.signature)])], open(first!));
      },
    ],
    [
      "of a key under which anybody signs",
      "weak-key",
      "block 0",
      () => {
        const [first] = signAll(ROOT, DATA);
        const key = len(2, num(1, 0), len(2, Buffer.alloc(32)));
        return assemble([Buffer.concat([len(1, first!.data), key, len(3, first!.signature)])], open(first!));
      },
    ],
    [
      "longer than 64 KiB",
      "too-large",
      "biscuit",
      () => biscuit(ROOT, [{ facts: [pred("right", `/${"a".repeat(66_000)}`, "read")] }]),
    ],
    [
      "of 17 blocks",
      "too-deep",
      "biscuit",
      () => biscuit(ROOT, [RIGHT, ...Array.from({ length: 16 }, () => NARROW)]),
    ],
    [
      "of a version before 3",
      "bad-protobuf",
      "block 0",
      () => {
        const signed = signAll(ROOT, [Buffer.concat([num(3, 2)])]);
        return assemble([signed[0]!.bytes], open(signed[0]!));
      },
    ],
    [
      "with a field that is not known in a block",
      "bad-protobuf",
      "block 0",
      () => {
        const signed = signAll(ROOT, [Buffer.concat([DATA[0]!, len(9, Buffer.from("limit"))])]);
        return assemble([signed[0]!.bytes], open(signed[0]!));
      },
    ],
    [
      "with a field that is not known around them",
      "bad-protobuf",
      "biscuit",
      () => Buffer.concat([biscuit(ROOT, [RIGHT]), num(6, 1)]),
    ],
    [
      "with an authority twice",
      "bad-protobuf",
      "biscuit",
      () => {
        const whole = biscuit(ROOT, [RIGHT]);
        return Buffer.concat([len(2, signAll(ROOT, DATA)[0]!.bytes), whole]);
      },
    ],
    [
      "with a symbol twice",
      "bad-protobuf",
      "block 1",
      () => {
        const signed = signAll(ROOT, [DATA[0]!, Buffer.concat([len(1, Buffer.from("/w/a")), num(3, 6)])]);
        return assemble(
          signed.map(({ bytes }) => bytes),
          open(signed[1]!),
        );
      },
    ],
    [
      "with a symbol of nobody",
      "bad-protobuf",
      "block 0",
      () => {
        const fact = len(4, len(1, num(1, 4), len(2, num(3, 5000)), len(2, num(3, 0))));
        const signed = signAll(ROOT, [Buffer.concat([num(3, 6), fact])]);
        return assemble([signed[0]!.bytes], open(signed[0]!));
      },
    ],
    ["nothing", "not-base64url", "biscuit", () => Buffer.alloc(0)],
    ["text of another kind", "not-base64url", "biscuit", () => Buffer.from("hello, world")],
    [
      "text of one character more",
      "not-base64url",
      "biscuit",
      () => Buffer.from(`${biscuit(ROOT, [RIGHT]).toString("base64url")}!`),
    ],
  ])("%s (%s)", (_what, reason, field, make) => {
    const refusal = refusalOf(() => readBiscuit(biscuitBytes(make()), root));
    expect({ reason: refusal.reason, field: refusal.field }).toEqual({ reason, field });
    expect(refusal.problem.length).toBeLessThan(600);
  });

  it("and no change of a byte is taken", () => {
    const right = biscuit(ROOT, [RIGHT, NARROW]);
    for (let at = 0; at < right.length; at++) {
      const changed = Buffer.from(right);
      changed[at]! ^= 1 << (at % 8);
      expect(() => readBiscuit(changed, root), `byte ${at}`).toThrow(TokenRefused);
      expect(() => readBiscuit(right.subarray(0, at), root), `cut at ${at}`).toThrow(TokenRefused);
    }
  });

  it.each(["", "ed25519/", "ed25519/zz", `secp256r1/${ROOT.bytes.toString("hex")}`, "0".repeat(64)])(
    "of the root key %j",
    (key) => {
      expect(["bad-field", "weak-key"]).toContain(refusalOf(() => parseRootKey(key)).reason);
    },
  );
});

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
    { numRuns: 2000 },
  );
  expect(read).toBeGreaterThan(500);
  expect(less).toBeLessThan(read);
});
