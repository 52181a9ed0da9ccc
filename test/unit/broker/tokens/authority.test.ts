import { expect, test } from "vitest";
import type { Authority } from "../../../../src/broker/tokens/authority.ts";
import { OPEN, type Request } from "../../../../src/protocol/message.ts";
import { authorityOf, capability, chain, FakeClock, path } from "../../../support/sessions.ts";

const open = (name: string, flags: number = OPEN.read): Request => ({
  op: "open",
  path: name,
  flags,
  mode: 0,
});
const said = (authority: Authority, request: Request): string => {
  const narrowed = authority.narrow(request);
  if (narrowed.kind === "allow") return narrowed.held === null ? "floor" : narrowed.held.capability.id;
  return narrowed.rule?.id ?? "";
};

test("what a session has is the floor and what its capabilities grant", () => {
  const { authority } = authorityOf([
    chain(capability("c", { grants: [path("read", "/w/*.md"), path("write", "/w/out/**")] })),
  ]);
  expect(said(authority, open("/usr/bin/cat"))).toBe("floor");
  expect(said(authority, open("/tmp/own/x", OPEN.write | OPEN.create))).toBe("floor");
  expect(said(authority, open("/tmp/other"))).toBe("capability.not-granted");
  expect(said(authority, open("/w/a.md"))).toBe("c");
  expect(said(authority, open("/w/a.md", OPEN.write))).toBe("capability.not-granted");
  expect(said(authority, open("/w/a.txt"))).toBe("capability.not-granted");
  expect(said(authority, open("/w/out/x", OPEN.write | OPEN.create))).toBe("c");
  expect(said(authority, { op: "unlink", path: "/w/out/x", kind: "file" })).toBe("capability.not-granted");
  expect(
    said(authority, {
      op: "ssh-sign",
      key: "k",
      purpose: "unknown",
      blob: new Uint8Array(),
      data: new Uint8Array(),
      flags: 0,
    }),
  ).toBe("capability.not-granted");
});

test("several tokens add up, and a rename needs the action at both names", () => {
  const { authority } = authorityOf([
    chain(capability("a", { grants: [path("read", "/a/**"), path("rename", "/a/**")] })),
    chain(capability("b", { grants: [path("write", "/a/**"), path("rename", "/b/**")] })),
  ]);
  expect(said(authority, open("/a/x", OPEN.read | OPEN.write))).toBe("a");
  expect(said(authority, { op: "rename", from: "/a/x", to: "/b/x", existing: "replace" })).toBe("a");
  expect(said(authority, { op: "rename", from: "/a/x", to: "/c/x", existing: "replace" })).toBe(
    "capability.not-granted",
  );
  // Who may move a file may not take it away.
  expect(said(authority, { op: "unlink", path: "/a/x", kind: "file" })).toBe("capability.not-granted");
});

test("a session never has more than the one that it comes from, whatever its token says", () => {
  const outer = authorityOf([chain(capability("outer", { grants: [path("read", "/w/a/**")] }))]);
  const inner = authorityOf(
    [chain(capability("wide", { grants: [path("read", "/**"), path("write", "/**")] }))],
    outer.authority,
    outer.clock,
    outer.table,
  );
  expect(said(inner.authority, open("/w/a/x"))).toBe("wide");
  expect(said(inner.authority, open("/w/b/x"))).toBe("capability.not-granted");
  expect(said(inner.authority, open("/w/a/x", OPEN.write))).toBe("capability.not-granted");
  expect(inner.authority.has("/w/b", 1, "files")).toBe(false);
});

test("it ends with its token, and with each of those that it was derived from", () => {
  const { authority, clock } = authorityOf([
    chain(capability("root", { expiresMs: new FakeClock().wall + 1000 }), capability("leaf")),
  ]);
  expect(said(authority, open("/w/x"))).toBe("leaf");
  clock.pass(999);
  expect(said(authority, open("/w/x"))).toBe("leaf");
  clock.pass(1);
  expect(said(authority, open("/w/x"))).toBe("capability.expired");
  // The floor is of no token: a program can still end in good order.
  expect(said(authority, open("/usr/bin/cat"))).toBe("floor");
});

test("a clock that is set back extends nothing; one that is set on ends it at once", () => {
  const { authority, clock } = authorityOf([chain(capability("c"))]);
  clock.pass(30_000);
  clock.wall -= 3_600_000;
  // Before its beginning by the clock: refused, and not extended.
  expect(said(authority, open("/w/x"))).toBe("capability.not-yet");
  const before = authorityOf([chain(capability("c", { notBeforeMs: 0 }))]);
  before.clock.pass(59_999);
  before.clock.wall -= 3_600_000;
  expect(said(before.authority, open("/w/x"))).toBe("c");
  before.clock.boot += 1;
  expect(said(before.authority, open("/w/x"))).toBe("capability.expired");
  const ahead = authorityOf([chain(capability("c"))]);
  ahead.clock.wall += 60_000;
  expect(said(ahead.authority, open("/w/x"))).toBe("capability.expired");
});

test("a time of the day opens and closes a grant during a run", () => {
  const window = { days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 12 * 60, toMinute: 12 * 60 + 5 };
  const { authority, clock } = authorityOf([
    chain(
      capability("c", {
        grants: [path("read", "/w/**", { window })],
        expiresMs: new FakeClock().wall + 3_600_000,
      }),
    ),
  ]);
  expect(said(authority, open("/w/x"))).toBe("c");
  clock.pass(5 * 60_000);
  expect(said(authority, open("/w/x"))).toBe("capability.not-granted");
});

test("a denial says what has ended and how to go on", () => {
  const { authority, clock } = authorityOf([chain(capability("c", { issuer: "the office" }))]);
  clock.pass(60_000);
  expect(authority.narrow(open("/w/x"))).toMatchObject({
    rule: {
      id: "capability.expired",
      reason: 'capability "c" has expired, at 2026-11-24T12:01:00Z',
      remedy: expect.stringContaining('ask "the office" for a new token'),
    },
  });
});

test("what a file may be is taken from the grants that let it be written, and from those above", () => {
  const outer = authorityOf([
    chain(capability("o", { grants: [path("write", "/w/**", { maxSizeBytes: 1000 })] })),
  ]);
  const inner = authorityOf(
    [
      chain(
        capability("i", {
          grants: [path("write", "/w/**", { maxSizeBytes: 10, mimeTypes: ["text/plain"] })],
        }),
      ),
    ],
    outer.authority,
    outer.clock,
    outer.table,
  );
  expect(inner.authority.limits("/w/x", "write")).toEqual([
    [{ maxSizeBytes: 1000, mimeTypes: null }],
    [{ maxSizeBytes: 10, mimeTypes: ["text/plain"] }],
  ]);
  expect(inner.authority.limits("/tmp/own/x", "write")).toEqual([]);
});
