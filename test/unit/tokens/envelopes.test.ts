import { describe, expect, it } from "vitest";
import { derive } from "../../../src/tokens/derive.ts";
import { publicHalf } from "../../../src/tokens/jwk.ts";
import { signJws } from "../../../src/tokens/jws.ts";
import { verifyToken } from "../../../src/tokens/verify.ts";
import {
  chainOfThree,
  context,
  GRANTS,
  HOST,
  holders,
  issuer,
  mint,
  NOW,
  order,
  RUN,
} from "../../support/tokens.ts";

describe.each(["aat-01", "json", "cose"] as const)("%s", (envelope) => {
  it("carries all of a capability", () => {
    const change = {
      grants: [
        ...GRANTS,
        { action: "read", target: { kind: "path", pattern: "/w/**" }, mimeTypes: ["image/*", "text/plain"] },
        {
          action: "list",
          target: { kind: "path", pattern: "/w" },
          window: { days: [0, 6], fromMinute: 540, toMinute: 1440 },
        },
        {
          action: "read",
          target: {
            kind: "cells",
            path: "/w/b#1.xlsx",
            sheet: "S 1",
            range: { fromColumn: 0, fromRow: 0, toColumn: 27, toRow: 39 },
          },
        },
        {
          action: "connect",
          target: { kind: "host", host: { kind: "host", name: "a.test", below: true, ports: [443] } },
        },
        { action: "connect", target: { kind: "path", pattern: "/run/x.sock" } },
        {
          action: "listen",
          target: { kind: "host", host: { kind: "host", name: "localhost", below: false, ports: [8080] } },
        },
      ],
      notBeforeMs: NOW - 30_000,
      budget: { maxUses: 1, maxFiles: 2, maxReadBytes: 3, maxWriteBytes: 4_294_967_296, maxDeletes: 0 },
      onRevoke: "kill",
    } as const;
    const verdict = verifyToken(mint(envelope, change), context);
    const wanted = { ...order(change).capability, issuer: HOST };
    // Grants of a chain are grouped by action.
    const sorted = (capability: typeof wanted) => ({
      ...capability,
      grants: capability.grants.map((grant) => JSON.stringify(grant)).toSorted(),
    });
    expect(verdict).toMatchObject({ kind: "valid", token: { envelope, holder: publicHalf(holders[0]) } });
    if (verdict.kind === "valid") expect(sorted(verdict.token.chain[0])).toEqual(sorted(wanted));
  });
});

it("the payload of the requirements, as it stands there, is a token", () => {
  const payload = {
    capability_id: "cap_8f31",
    subject: "report-agent",
    actions: [
      { action: "read", path: "/mnt/allowed/reports/*.pdf" },
      { action: "write", path: "/mnt/allowed/drafts/*.md", max_size: 102400 },
    ],
    expires_at: "2026-11-24T12:04:00Z",
    issued_by: HOST,
  };
  const text = signJws("sallyport-capability+jws", issuer.kid, payload, issuer.key);
  expect(verifyToken(text, context)).toMatchObject({
    kind: "valid",
    token: { envelope: "json", holder: null, chain: [{ id: "cap_8f31", run: null, delegationDepth: 0 }] },
  });
});

describe("a chain", () => {
  it("has each link, and the key of the last", () => {
    const verdict = verifyToken(
      chainOfThree({ subject: "planner/search", budget: { max_uses: 3 } }),
      context,
    );
    expect(verdict).toMatchObject({
      kind: "valid",
      token: {
        holder: publicHalf(holders[2]),
        chain: [
          { id: "c-1", subject: "planner", delegationDepth: 4, run: RUN, budget: { maxUses: 10 } },
          { id: "c-2", subject: "planner/search", delegationDepth: 3, run: RUN, budget: { maxUses: 3 } },
          { id: "c-3", subject: "planner/search", delegationDepth: 2, run: RUN },
        ],
      },
    });
  });

  it.each([
    ["actions[0].path", { actions: [{ action: "read", path: "/w/**" }] }],
    ["actions[0].max_size", { actions: [{ action: "write", path: "/w/drafts/a.md" }] }],
    ["expires_at", { expires_at: "2026-11-24T13:00:00Z" }],
    ["budget.max_uses", { budget: {} }],
    ["run", { run: "r-2" }],
    ["subject", { subject: "boss" }],
    ["delegation_depth", { delegation_depth: 4 }],
    ["on_revok", { on_revok: "kill" }],
  ] as const)("is not made where %s is wider or wrong", (field, narrower) => {
    expect(() => derive(mint(), narrower as object, holders[0], NOW)).toThrow(
      expect.objectContaining({ code: "INVALID", field }),
    );
  });

  it.each([null, [], "x", 1])("is not made of %j", (narrower) => {
    expect(() => derive(mint(), narrower as object, holders[0], NOW)).toThrow(
      expect.objectContaining({ code: "INVALID" }),
    );
  });

  it("is not made by somebody else, nor of a token that is no chain", () => {
    expect(() => derive(mint(), {}, holders[1], NOW)).toThrow(/wrong-signer/);
    expect(() => derive(mint("json"), {}, holders[0], NOW)).toThrow(/can not be handed on/);
    expect(() => derive(mint("cose"), {}, holders[0], NOW)).toThrow(/can not be handed on/);
  });
});
