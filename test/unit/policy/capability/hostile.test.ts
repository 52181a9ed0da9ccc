import { describe, expect, it } from "vitest";
import type { Capability } from "../../../../src/policy/capability/capability.ts";
import { subsumes } from "../../../../src/policy/capability/subsumes.ts";

const MAX_MS = 1500;

function reading(id: string, patterns: readonly string[], delegationDepth: number): Capability {
  return {
    id,
    subject: "s",
    issuer: "i",
    run: null,
    issuedMs: 0,
    notBeforeMs: 0,
    expiresMs: 1,
    grants: patterns.map((pattern) => ({ action: "read", target: { kind: "path", pattern } })),
    budget: {},
    delegationDepth,
    onRevoke: "refuse",
  };
}
const many = (make: (at: number) => string): string[] => Array.from({ length: 64 }, (_, at) => make(at));

describe("patterns that are made to take long", () => {
  it.each<[string, string[], string[]]>([
    ["runs", many((at) => `/**/*a*a*a*a*a*a*a${at}/**`), many((at) => `/**/?a?a?a*a*a*a*a*${at}x/**/z`)],
    [
      "depths",
      many((at) => `/**${"/a".repeat(at % 30)}/*${at}/**/z`),
      many((at) => `/**${"/a".repeat(29)}/*${at}q/**/z`),
    ],
    [
      "single characters",
      many((at) => `/**/*a??????????${at}/**`),
      many((at) => `/**/*a?????????*b${at}/**`),
    ],
    [
      "long names",
      many((at) => `/**/*${"a?".repeat(200)}*${at}/**`),
      many((at) => `/**/*${"?a".repeat(200)}*b${at}/**`),
    ],
    [
      "long paths",
      many((at) => `/**${"/*a".repeat(5)}${"/?a?".repeat(50)}/**/q${at}`),
      many((at) => `/**${"/*a".repeat(6)}${"/aaa".repeat(50)}/**/q${at}`),
    ],
  ])(`%s: an answer in ${MAX_MS} ms, and never a wrong yes`, (_name, parents, children) => {
    const before = process.cpuUsage();
    const proof = subsumes(reading("p", parents, 2), reading("c", children, 1));
    const { user } = process.cpuUsage(before);
    expect(proof.kind).toBe("wider");
    expect(user / 1000).toBeLessThan(MAX_MS);
  });
});
