import { expect, test } from "vitest";
import { CapabilityTable } from "../../../../src/broker/tokens/capability_table.ts";
import { capability, chain, FakeClock } from "../../../support/sessions.ts";

const now = new FakeClock().batch.now();

test("a handle finds its own capability, and nothing once that was dropped and its slot taken again", () => {
  const table = new CapabilityTable();
  const [a, b] = [table.add(chain(capability("a")), now), table.add(chain(capability("b")), now)];
  expect(table.find(a.handle)).toBe(a);
  expect(table.find(b.handle)).toBe(b);
  table.drop(a);
  const c = table.add(chain(capability("c")), now);
  expect(c.handle % 2 ** 20).toBe(a.handle % 2 ** 20);
  expect(table.find(a.handle)).toBe(null);
  expect(table.find(c.handle)).toBe(c);
  for (const handle of [-1, 0.5, 2 ** 21, 2 ** 52, Number.MAX_SAFE_INTEGER, Number.NaN])
    expect(table.find(handle), String(handle)).toBe(null);
  expect(table.size).toBe(2);
});

test("who revokes a capability revokes all that were derived from it, and nothing else", () => {
  const table = new CapabilityTable();
  const root = capability("root");
  const held = {
    root: table.add(chain(root), now),
    child: table.add(chain(root, capability("child")), now),
    grandchild: table.add(chain(root, capability("child"), capability("grandchild")), now),
    sibling: table.add(chain(root, capability("sibling")), now),
    stranger: table.add(chain(capability("stranger")), now),
  };
  expect(table.revokeId("child", "why").map(({ capability: { id } }) => id)).toEqual(["child", "grandchild"]);
  const revoked = Object.entries(held).filter(([, { revoked }]) => revoked !== null);
  expect(revoked.map(([name]) => name)).toEqual(["child", "grandchild"]);
  expect(table.revokeId("child", "again")).toEqual([]);
  expect(table.revokeWhere(([{ id }]) => (id === "root" ? "all" : null)).length).toBe(2);
  expect(held.stranger.revoked).toBe(null);
});

test("what is presented falls with the session that presented it", () => {
  const table = new CapabilityTable();
  const session = table.add(
    chain(capability("session", { onRevoke: "kill", expiresMs: now.wallMs + 10 })),
    now,
  );
  const presented = table.add(chain(capability("presented")), now, [session]);
  expect(presented.onRevoke).toBe("kill");
  expect(presented.lease.expiresMs).toBe(now.wallMs + 10);
  table.revokeId("session", "why");
  expect(presented.revoked).toBe("why");
});
