/** Biscuits that are understood: what each comes to, and never to more than its own rules let be done. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBiscuit as readInLibrary } from "../../../src/client/tokens.ts";
import { readBiscuit } from "../../../src/tokens/biscuit/biscuit.ts";
import { readBlock } from "../../../src/tokens/biscuit/blocks.ts";
import { openChain } from "../../../src/tokens/biscuit/chain.ts";
import type { Block } from "../../../src/tokens/biscuit/datalog.ts";
import { printCheck, printPredicate, printRule } from "../../../src/tokens/biscuit/print.ts";
import { Symbols } from "../../../src/tokens/biscuit/symbols.ts";
import { biscuitBytes, parseRootKey } from "../../../src/tokens/biscuit/text.ts";
import { TokenRefused } from "../../../src/tokens/refusal.ts";
import {
  biscuit,
  checkIf,
  date,
  type Ends,
  named,
  newBiscuitKey,
  op,
  pred,
  query,
  setOf,
  term,
  text,
} from "../../support/biscuit.ts";
import { skipFor } from "../../support/needs.ts";

const ROOT = newBiscuitKey();
const root = parseRootKey(ROOT.text);
const NOON = Date.UTC(2026, 10, 24, 12);
const RIGHTS: Partial<Block> = {
  facts: [
    pred("right", "/w/a.pdf", "read"),
    pred("right", "/w/b.txt", "read"),
    pred("right", "/w/b.txt", "write"),
    pred("right_pattern", "/data/**", "read"),
  ],
};
const r = named("r");
const o = named("o");
const t = named("t");
const resource = pred("resource", r);
const operation = pred("operation", o);
const time = pred("time", t);

function grantsOf(...blocks: readonly Partial<Block>[]): readonly string[] {
  const { grants } = readBiscuit(biscuit(ROOT, blocks), root);
  return grants.map(({ action, target }) => `${action} ${target.kind === "path" ? target.pattern : ""}`);
}
const under = (...checks: Block["checks"]): readonly string[] => grantsOf(RIGHTS, { checks });

describe("a Biscuit", () => {
  it("grants what its authority names, and a name with a wildcard in it is that name", () => {
    expect(
      grantsOf({ facts: [pred("right", "/w/*.pdf", "read"), pred("right_pattern", "/w/*.md", "write")] }),
    ).toEqual(["read /w/\\*.pdf", "write /w/*.md"]);
  });

  it.each<[string, Block["checks"][number], readonly string[]]>([
    ["one path", checkIf(query([pred("resource", "/w/b.txt")])), ["read /w/b.txt", "write /w/b.txt"]],
    ["one operation", checkIf(query([pred("operation", "write")])), ["write /w/b.txt"]],
    [
      "a set of operations",
      checkIf(query([operation], op(setOf("write", "list"), "contains", o))),
      ["write /w/b.txt"],
    ],
    ["a comparison", checkIf(query([operation], op(o, "==", text("write")))), ["write /w/b.txt"]],
    ["one the other way round", checkIf(query([operation], op(text("write"), "===", o))), ["write /w/b.txt"]],
    [
      "a right of the authority",
      checkIf(query([resource, operation, pred("right", r, o)])),
      ["read /w/a.pdf", "read /w/b.txt", "write /w/b.txt"],
    ],
    ["a directory", checkIf(query([resource], op(r, "starts_with", text("/data/")))), ["read /data/*/**"]],
    [
      "a begin of names",
      checkIf(query([resource], op(r, "starts_with", text("/w/b")))),
      ["read /w/b.txt", "write /w/b.txt"],
    ],
    [
      "an end",
      checkIf(query([resource], op(r, "ends_with", text(".pdf")))),
      ["read /w/a.pdf", "read /data/**/*.pdf"],
    ],
    [
      "one of several",
      checkIf(query([pred("resource", "/w/a.pdf")]), query([pred("operation", "write")])),
      ["read /w/a.pdf", "write /w/b.txt"],
    ],
    [
      "or",
      checkIf(
        query(
          [resource],
          op(op(r, "==", text("/w/a.pdf")), "||", {
            kind: "closure",
            params: [],
            body: op(r, "==", text("/data/x")),
          }),
        ),
      ),
      ["read /w/a.pdf", "read /data/x"],
    ],
    [
      "and",
      checkIf(
        query(
          [resource, operation],
          op(op(r, "starts_with", text("/data/")), "&&", {
            kind: "closure",
            params: [],
            body: op(o, "==", text("read")),
          }),
        ),
      ),
      ["read /data/*/**"],
    ],
    [
      "parentheses",
      checkIf(query([operation], { kind: "unary", op: "(", of: op(o, "==", text("write")) })),
      ["write /w/b.txt"],
    ],
    [
      "what is always true",
      checkIf(query([], term({ kind: "bool", value: true }))),
      ["read /w/a.pdf", "read /w/b.txt", "write /w/b.txt", "read /data/**"],
    ],
    [
      "what the query is called",
      checkIf({ ...query([pred("operation", "write")]), head: pred("whatever", "x") }),
      ["write /w/b.txt"],
    ],
  ])("is narrowed by %s", (_what, check, expected) => {
    expect(under(check)).toEqual(expected);
    expect(grantsOf({ ...RIGHTS, checks: [check] }), "in the authority").toEqual(expected);
  });

  it("is narrowed by all checks together", () => {
    const below = checkIf(query([resource], op(r, "starts_with", text("/data/"))));
    const pdf = checkIf(query([resource], op(r, "ends_with", text(".pdf"))));
    const reports = checkIf(query([resource], op(r, "starts_with", text("/data/re"))));
    expect(grantsOf(RIGHTS, { checks: [below] }, { checks: [pdf] })).toEqual(["read /data/**/*.pdf"]);
    expect(grantsOf(RIGHTS, { checks: [pdf, below] })).toEqual(["read /data/**/*.pdf"]);
    expect(grantsOf(RIGHTS, { checks: [reports] }, { checks: [pdf] })).toEqual([
      "read /data/re*.pdf",
      "read /data/re*/**/*.pdf",
    ]);
    expect(grantsOf(RIGHTS, { checks: [below] }, { checks: [reports] })).toEqual(["read /data/re*/**"]);
  });

  it.each<[string, Partial<Block>["checks"], number | null, number | null]>([
    ["nothing", [], null, null],
    ["an end", [checkIf(query([time], op(t, "<", date(NOON))))], null, NOON],
    ["a last second", [checkIf(query([time], op(t, "<=", date(NOON))))], null, NOON],
    ["an end the other way round", [checkIf(query([time], op(date(NOON), ">", t)))], null, NOON],
    ["a begin", [checkIf(query([time], op(t, ">=", date(NOON))))], NOON, null],
    ["a begin after", [checkIf(query([time], op(t, ">", date(NOON))))], NOON + 1000, null],
    [
      "two ends",
      [
        checkIf(query([time], op(t, "<", date(NOON)))),
        checkIf(query([time], op(t, "<", date(NOON - 60_000)))),
      ],
      null,
      NOON - 60_000,
    ],
    [
      "the later of two by or",
      [checkIf(query([time], op(t, "<", date(NOON))), query([time], op(t, "<", date(NOON - 60_000))))],
      null,
      NOON,
    ],
    [
      "a span",
      [checkIf(query([time], op(t, "<", date(NOON)), op(t, ">=", date(NOON - 60_000))))],
      NOON - 60_000,
      NOON,
    ],
  ])("has a life: %s", (_what, checks, from, until) => {
    const read = readBiscuit(biscuit(ROOT, [RIGHTS, { checks: checks! }]), root);
    expect([read.notBeforeMs, read.expiresMs]).toEqual([from, until]);
  });

  it.each<[Ends, number]>([
    ["open", 0],
    ["open", 1],
    ["sealed", 0],
    ["sealed", 1],
  ])("is taken %s, signed in the manner %i, as bytes and as text", (ends, version) => {
    const bytes = biscuit(
      ROOT,
      [RIGHTS, { checks: [checkIf(query([pred("operation", "write")]))] }],
      ends,
      version,
    );
    const padded = `biscuit:${bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_")}\n`;
    for (const given of [bytes, Buffer.from(bytes.toString("base64url")), Buffer.from(padded)])
      expect(readBiscuit(biscuitBytes(given), root).grants).toHaveLength(1);
    expect(readInLibrary(padded, ROOT.text)).toEqual({
      actions: [{ action: "write", path: "/w/b.txt" }],
      not_before: null,
      expires_at: null,
      revocationIds: openChain(bytes, root).revocationIds,
    });
    expect(() => readInLibrary(padded, newBiscuitKey().text)).toThrow(
      /Cannot read the Biscuit.*not signed by the root key/,
    );
  });
});

/** The published samples: a directory with samples.json, of github.com/eclipse-biscuit/biscuit, samples/current. */
const SAMPLES = process.env["BISCUIT_SAMPLES"] ?? "";
const isThere = existsSync(join(SAMPLES, "samples.json"));
type Sample = {
  readonly filename: string;
  readonly token: readonly { readonly code: string; readonly external_key: string | null }[];
  readonly validations: {
    readonly [name: string]: { readonly result: object; readonly revocation_ids: readonly string[] };
  };
};

describe("the published samples", () => {
  it("are verified, read and named as their authors say", (context) => {
    const obstacle =
      "needs BISCUIT_SAMPLES, a directory with samples.json and its .bc files; this machine names none";
    skipFor(isThere ? "" : obstacle, context);
    const samples = JSON.parse(readFileSync(join(SAMPLES, "samples.json"), "utf8")) as {
      readonly root_public_key: string;
      readonly testcases: readonly Sample[];
    };
    const key = parseRootKey(samples.root_public_key);
    const seen = { read: 0, forged: 0, foreign: 0 };
    for (const { filename, token, validations } of samples.testcases) {
      const bytes = readFileSync(join(SAMPLES, filename));
      const { result, revocation_ids: ids } = Object.values(validations)[0]!;
      const isForged = "Format" in ((result as { readonly Err?: object }).Err ?? {});
      try {
        const { blocks, revocationIds } = openChain(bytes, key);
        expect(isForged, filename).toBe(false);
        expect(revocationIds, filename).toEqual(ids);
        const symbols = new Symbols();
        for (const [at, block] of blocks.entries()) {
          const { facts, rules, checks } = readBlock(block, symbols, `block ${at}`);
          const lines = [...facts.map(printPredicate), ...rules.map(printRule), ...checks.map(printCheck)];
          // Their printer leaves control characters as they are.
          expect(lines.map((line) => `${line.replaceAll("\\t", "\t")};\n`).join(""), filename).toBe(
            token[at]!.code,
          );
        }
        // Their resources are no absolute paths, so that none grants anything.
        expect(() => readBiscuit(bytes, key), filename).toThrow(TokenRefused);
        seen.read++;
      } catch (error) {
        if (!(error instanceof TokenRefused)) throw error;
        const isForeign = ["third-party-block", "algorithm-unsupported"].includes(error.refusal.reason);
        expect(isForged || isForeign, `${filename}: ${error.message}`).toBe(true);
        seen[isForeign ? "foreign" : "forged"]++;
      }
    }
    expect(seen).toEqual({ read: 29, forged: 5, foreign: 4 });
  });
});
