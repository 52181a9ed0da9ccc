import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Capability, Grant } from "../../../../src/policy/capability/capability.ts";
import { parseCells } from "../../../../src/policy/capability/cell_target.ts";
import { permits } from "../../../../src/policy/capability/permits.ts";
import { subsumes } from "../../../../src/policy/capability/subsumes.ts";
import { parseNetworkGrant } from "../../../../src/policy/network.ts";
import { ACTS, capability, childOf } from "../../../support/arbitrary_capability.ts";

const RUNS = 300;
const STEPS = 3;

const BASE: Capability = {
  id: "c-1",
  subject: "planner",
  issuer: "urn:test",
  run: "r-1",
  issuedMs: 1_000,
  notBeforeMs: 1_000,
  expiresMs: 9_000,
  grants: [
    { action: "read", target: { kind: "path", pattern: "/w/**" }, mimeTypes: ["image/*"] },
    { action: "write", target: { kind: "path", pattern: "/w/**/*.md" }, maxSizeBytes: 100 },
    { action: "write", target: { kind: "path", pattern: "/w/log" } },
    { action: "connect", target: { kind: "host", host: parseNetworkGrant("*.test:443")! } },
    { action: "connect", target: { kind: "host", host: parseNetworkGrant("8.8.8.0/24:443")! } },
    { action: "read", target: parseCells("/b.xlsx#S!A1:D40")! },
    {
      action: "list",
      target: { kind: "path", pattern: "/w/**" },
      window: { days: [1], fromMinute: 540, toMinute: 1080 },
    },
  ],
  budget: { maxUses: 5 },
  delegationDepth: 2,
  onRevoke: "freeze",
};

function child(change: Partial<Capability>): Capability {
  return { ...BASE, id: "c-2", delegationDepth: 1, ...change };
}
function granting(...grants: Grant[]): Partial<Capability> {
  return { grants };
}
const path = (pattern: string) => ({ kind: "path", pattern }) as const;
const host = (text: string) => ({ kind: "host", host: parseNetworkGrant(text)! }) as const;

describe("a child within its parent", () => {
  it.each<[string, Partial<Capability>]>([
    ["the same", {}],
    ["nothing at all", granting()],
    [
      "a narrower path and a smaller size",
      granting({ action: "write", target: path("/w/a/*.md"), maxSizeBytes: 50 }),
    ],
    ["append, as a part of write", granting({ action: "append", target: path("/w/log") })],
    ["one type of a kind", granting({ action: "read", target: path("/w/*"), mimeTypes: ["image/png"] })],
    ["a look, whatever the type", granting({ action: "stat", target: path("/w/x") })],
    ["a name below, with one port", granting({ action: "connect", target: host("a.b.test:443") })],
    ["half of a block", granting({ action: "connect", target: host("8.8.8.0/25:443") })],
    ["some cells", granting({ action: "read", target: parseCells("/b.xlsx#S!B2")! })],
    [
      "a part of the window",
      granting({ action: "list", target: path("/w"), window: { days: [1], fromMinute: 600, toMinute: 660 } }),
    ],
    ["a subject below", { subject: "planner/search" }],
    [
      "less of everything",
      {
        expiresMs: 8_000,
        notBeforeMs: 2_000,
        budget: { maxUses: 1, maxFiles: 3 },
        onRevoke: "kill",
        delegationDepth: 0,
      },
    ],
  ])("%s", (_name, change) => {
    expect(subsumes(BASE, child(change))).toEqual({ kind: "within" });
  });
});

describe("a child that widens, by the first field that does", () => {
  it.each<[string, Partial<Capability>]>([
    ["capability_id", { id: "c-1" }],
    ["delegation_depth", { delegationDepth: 2 }],
    ["subject", { subject: "other" }],
    ["subject", { subject: "planner2" }],
    ["run", { run: null }],
    ["run", { run: "r-2" }],
    ["expires_at", { expiresMs: 9_001 }],
    ["not_before", { notBeforeMs: 999 }],
    ["issued_at", { issuedMs: 999 }],
    ["budget.max_uses", { budget: {} }],
    ["budget.max_uses", { budget: { maxUses: 6 } }],
    ["on_revoke", { onRevoke: "refuse" }],
    ["actions[0].action", granting({ action: "delete", target: path("/w/a") })],
    ["actions[0].path", granting({ action: "write", target: path("/v/a.md"), maxSizeBytes: 1 })],
    ["actions[0].path", granting({ action: "write", target: path("/w/a*"), maxSizeBytes: 1 })],
    ["actions[0].max_size", granting({ action: "write", target: path("/w/a.md"), maxSizeBytes: 101 })],
    ["actions[0].max_size", granting({ action: "append", target: path("/w/a.md") })],
    ["actions[0].mime", granting({ action: "read", target: path("/w/a"), mimeTypes: ["text/plain"] })],
    ["actions[0].mime", granting({ action: "read", target: path("/w/a") })],
    ["actions[0].window", granting({ action: "list", target: path("/w") })],
    [
      "actions[0].window",
      granting({
        action: "list",
        target: path("/w"),
        window: { days: [1, 2], fromMinute: 600, toMinute: 660 },
      }),
    ],
    ["actions[0].host", granting({ action: "connect", target: host("test:443") })],
    ["actions[0].host", granting({ action: "connect", target: host("a.test") })],
    // A single address may be one of the machine's own, which the block around it does not open.
    ["actions[0].host", granting({ action: "connect", target: host("8.8.8.8:443") })],
    ["actions[0].cells", granting({ action: "read", target: parseCells("/b.xlsx#S!A1:E40")! })],
    ["actions[0].cells", granting({ action: "read", target: parseCells("/b.xlsx#T!A1")! })],
    [
      "actions[1].path",
      granting({ action: "write", target: path("/w/log") }, { action: "write", target: path("/w/other") }),
    ],
  ])("%s of %j", (field, change) => {
    expect(subsumes(BASE, child(change))).toMatchObject({ kind: "wider", field });
  });

  it("is one of a parent that can not be handed on", () => {
    const proof = subsumes({ ...BASE, delegationDepth: 0 }, child({ delegationDepth: 0 }));
    expect(proof).toMatchObject({ kind: "wider", field: "delegation_depth" });
  });

  it("is one of two blocks of addresses, of which the small one opens a range that the large one does not", () => {
    for (const [wide, narrow] of [
      ["0.0.0.0/0", "10.0.0.0/8"],
      ["169.254.0.0/16", "169.254.169.254"],
      ["::/0", "::/97"],
      ["0.0.0.0/0", "127.0.0.1"],
    ]) {
      const parent = { ...BASE, grants: [{ action: "connect", target: host(wide!) } as const] };
      expect(
        subsumes(parent, child(granting({ action: "connect", target: host(narrow!) }))),
        narrow!,
      ).toMatchObject({ kind: "wider" });
    }
  });
});

it(`what a chain of ${STEPS} lets be done, each ancestor does too: ${ACTS.length} acts for each of ${RUNS} chains`, () => {
  let within = 0;
  let refused = 0;
  let allowed = 0;
  const chain = capability.chain((root) =>
    childOf(root).chain((second) => childOf(second).map((third) => [root, second, third] as const)),
  );
  fc.assert(
    fc.property(chain, (links) => {
      for (let at = 1; at < links.length; at++) {
        const [parent, derived] = [links[at - 1]!, links[at]!];
        if (subsumes(parent, derived).kind === "wider") {
          refused++;
          return;
        }
        within++;
        expect(derived.expiresMs).toBeLessThanOrEqual(parent.expiresMs);
        expect(derived.delegationDepth).toBeLessThan(parent.delegationDepth);
        for (const act of ACTS) {
          if (!permits(derived, act)) continue;
          allowed++;
          if (!permits(parent, act)) throw new Error(`widened: ${JSON.stringify(act)}`);
        }
      }
    }),
    { numRuns: RUNS },
  );
  expect(within).toBeGreaterThan(RUNS / 5);
  expect(refused).toBeGreaterThan(RUNS / 5);
  expect(allowed).toBeGreaterThan(RUNS);
});
