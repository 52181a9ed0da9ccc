import { describe, expect, test } from "vitest";
import {
  compilePrograms,
  judgeProgram,
  type Program,
  type ProgramRule,
  tellsApart,
} from "../../../src/policy/programs.ts";

const DIGEST = "a".repeat(64);
const rule = (fields: Partial<ProgramRule>): ProgramRule => ({
  id: "own",
  effect: "allow",
  patterns: ["/usr/bin/*"],
  except: [],
  sha256: null,
  owners: null,
  reason: "own reason",
  remedy: "",
  ...fields,
});
const file = (fields: Partial<Program> = {}): Program => ({
  paths: ["/usr/bin/git"],
  uid: 0,
  kind: "program",
  written: "by others",
  sha256: () => DIGEST,
  ...fields,
});
const LISTED = { programs: "listed", interpreters: "allowed", watch: "off" } as const;
const ANY = { programs: "any", interpreters: "allowed", watch: "off" } as const;
const NO_INTERPRETERS = { programs: "any", interpreters: "refused", watch: "off" } as const;

function verdictOf(
  execution: Parameters<typeof compilePrograms>[0],
  rules: readonly ProgramRule[],
  program: Program,
): string {
  const verdict = judgeProgram(compilePrograms(execution, rules), program, "told apart");
  if (verdict.kind === "by-path") return "by-path";
  return verdict.kind === "allow" ? `allow ${verdict.rule}` : `deny ${verdict.rule.id}`;
}

test.each<[string, Partial<ProgramRule>, Partial<Program>, string]>([
  ["by its path", {}, {}, "allow own"],
  ["by another of its names", {}, { paths: ["/srv/git", "/usr/bin/git"] }, "allow own"],
  ["not by an excepted path", { except: ["/usr/bin/git"] }, {}, "deny execution.listed"],
  ["not by another path", {}, { paths: ["/srv/git"] }, "deny execution.listed"],
  ["by its digest", { sha256: new Set([DIGEST]) }, {}, "allow own"],
  ["not by another digest", { sha256: new Set(["b".repeat(64)]) }, {}, "deny execution.listed"],
  [
    "not when it can not be read",
    { sha256: new Set([DIGEST]) },
    { sha256: () => null },
    "deny execution.listed",
  ],
  ["by its owner", { owners: new Set([0, 7]) }, { uid: 7 }, "allow own"],
  ["not by another owner", { owners: new Set([0]) }, { uid: 7 }, "deny execution.listed"],
  ["not when the run may write it", {}, { written: "by the run" }, "deny execution.written"],
])("a listed program is granted %s", (_how, fields, program, expected) => {
  expect(verdictOf(LISTED, [rule(fields)], file(program))).toBe(expected);
});

test.each<[string, Partial<ProgramRule>, Partial<Program>, string]>([
  ["by any of its names", { patterns: ["/srv/*"] }, { paths: ["/usr/bin/git", "/srv/git"] }, "deny no"],
  ["by its digest", { sha256: new Set([DIGEST]) }, {}, "deny no"],
  ["when it can not be read", { sha256: new Set(["b".repeat(64)]) }, { sha256: () => null }, "deny no"],
  ["not by another digest", { sha256: new Set(["b".repeat(64)]) }, {}, "allow own"],
  ["not by another owner", { owners: new Set([7]) }, {}, "allow own"],
])("a rule denies a program %s, whatever allows it", (_how, fields, program, expected) => {
  const denying = rule({ id: "no", effect: "deny", ...fields });
  expect(verdictOf(LISTED, [rule({}), denying], file(program))).toBe(expected);
});

describe("interpreters and loaders", () => {
  test("are refused whatever rule allows them", () => {
    expect(verdictOf(NO_INTERPRETERS, [rule({})], file({ kind: "interpreter" }))).toBe(
      "deny execution.interpreters",
    );
    expect(verdictOf(NO_INTERPRETERS, [], file())).toBe("by-path");
  });

  test("a loader runs nothing by itself where programs are told apart", () => {
    expect(verdictOf(LISTED, [rule({})], file({ kind: "loader" }))).toBe("deny execution.loader");
  });
});

test("a digest is asked for only where a rule wants to know it", () => {
  const sha256 = (): string => expect.unreachable("nobody wants to know");
  expect(
    verdictOf(LISTED, [rule({}), rule({ id: "two", sha256: new Set([DIGEST]) })], file({ sha256 })),
  ).toBe("allow own");
  const elsewhere = rule({ id: "no", effect: "deny", patterns: ["/srv/**"], sha256: new Set([DIGEST]) });
  expect(verdictOf(ANY, [elsewhere], file({ sha256 }))).toBe("by-path");
});

test("only where a rule may deny something are the files of a tree told apart", () => {
  const denying = rule({ effect: "deny", patterns: ["/usr/bin/curl"] });
  const told = (policy: Parameters<typeof compilePrograms>, tree: string): boolean =>
    tellsApart(compilePrograms(...policy), tree);
  expect(told([ANY, [denying]], "/usr")).toBe(true);
  expect(told([ANY, [denying]], "/usr/bin/curl")).toBe(true);
  expect(told([ANY, [denying]], "/opt")).toBe(false);
  expect(told([ANY, [rule({})]], "/usr")).toBe(false);
  expect(told([LISTED, []], "/opt")).toBe(true);
  expect(told([NO_INTERPRETERS, []], "/opt")).toBe(true);
});

test("in a tree where none is told apart only a rule can grant more, and never what the run writes", () => {
  const policy = compilePrograms(ANY, [rule({})]);
  expect(judgeProgram(policy, file({ kind: "interpreter" }), "whole").kind).toBe("allow");
  expect(judgeProgram(policy, file({ written: "by the run" }), "whole").kind).toBe("by-path");
});
