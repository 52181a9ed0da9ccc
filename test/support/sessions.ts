import { Authority } from "../../src/broker/tokens/authority.ts";
import { CapabilityTable, type Held } from "../../src/broker/tokens/capability_table.ts";
import { BatchClock, type Clock } from "../../src/broker/tokens/clock.ts";
import type { Floor } from "../../src/broker/tokens/floor.ts";
import type { Capability, CapabilityChain, Grant } from "../../src/policy/capability/capability.ts";
import { compilePolicy } from "../../src/policy/decide.ts";
import { RIGHT } from "../../src/policy/rights.ts";

export const START_MS: number = Date.UTC(2026, 10, 24, 12);

/** A clock that its test sets, and the reading that decisions get: the second is made anew for each. */
export class FakeClock implements Clock {
  wall: number = START_MS;
  boot = 1_000_000;
  wallMs(): number {
    return this.wall;
  }
  bootMs(): number {
    return this.boot;
  }
  pass(ms: number): void {
    this.wall += ms;
    this.boot += ms;
  }
  get batch(): BatchClock {
    const clock = this;
    return new (class extends BatchClock {
      override now() {
        return { wallMs: clock.wall, bootMs: clock.boot };
      }
    })();
  }
}

export function path(action: Grant["action"], pattern: string, rest: Partial<Grant> = {}): Grant {
  return { action, target: { kind: "path", pattern }, ...rest };
}

export function capability(id: string, change: Partial<Capability> = {}): Capability {
  return {
    id,
    subject: "agent",
    issuer: "issuer",
    run: null,
    issuedMs: START_MS,
    notBeforeMs: START_MS,
    expiresMs: START_MS + 60_000,
    grants: [path("read", "/w/**")],
    budget: {},
    delegationDepth: 4,
    onRevoke: "refuse",
    ...change,
  };
}

export const chain = (...links: Capability[]): CapabilityChain => links as unknown as CapabilityChain;

export const FLOOR: Floor = {
  policy: compilePolicy("floor", [
    {
      id: "floor",
      effect: "allow",
      rights: RIGHT.read | RIGHT.list | RIGHT.stat,
      pattern: "/usr/**",
      reason: "",
    },
    { id: "look", effect: "allow", rights: RIGHT.stat, pattern: "/**", reason: "" },
  ]),
  trees: ["/usr"],
};

/** An authority over what the chains grant, and what is behind it. */
export function authorityOf(
  chains: readonly CapabilityChain[],
  parent: Authority | null = null,
  clock: FakeClock = new FakeClock(),
  table: CapabilityTable = new CapabilityTable(),
): { authority: Authority; held: readonly Held[]; table: CapabilityTable; clock: FakeClock } {
  const held = chains.map((one) => table.add(one, clock.batch.now(), parent?.all));
  const authority = new Authority({ held, parent, floor: FLOOR, tmp: "/tmp/own", clock: clock.batch });
  return { authority, held, table, clock };
}
