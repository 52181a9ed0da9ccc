import type { Account } from "../../limits/quotas.ts";
import type { Capability, CapabilityChain, OnRevoke } from "../../policy/capability/capability.ts";
import { ON_REVOKE } from "../../policy/capability/on_revoke.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { BudgetAccounts } from "./budget_accounts.ts";
import type { Instant } from "./clock.ts";
import { GrantedPaths } from "./granted_paths.ts";
import { type Lease, leaseOf } from "./lease.ts";

/** A handle is `generation * SLOTS + index`, which a double holds exactly. */
const SLOTS = 2 ** 20;
const GENERATIONS = 2 ** 32;

/** A capability that was verified once and is in use in this run. */
export type Held = {
  readonly handle: number;
  readonly capability: Capability;
  readonly chain: CapabilityChain;
  readonly lease: Lease;
  readonly paths: GrantedPaths;
  /** The strictest of the chain: who hands a capability on can not soften what its revocation does. */
  readonly onRevoke: OnRevoke;
  /** What its uses are taken from; null: nothing counts them. */
  account: Account | null;
  /** Why it is of no use any more; null: it is. */
  revoked: string | null;
};

/**
 * The capabilities of one run. A handle finds its own in constant time, and nothing once it was dropped: the generation of a slot
 * goes up with each use. Whoever knows the id of a capability finds all that were derived from it.
 */
export class CapabilityTable {
  readonly #slots: (Held | null)[] = [];
  #generations = new Uint32Array(64);
  readonly #free: number[] = [];
  /** Set once the run counts what is used. */
  accounts: BudgetAccounts | null = null;
  /** By the id of any link of the chain: what a revocation of it takes along. */
  readonly #lineage = new Map<string, Set<Held>>();

  get size(): number {
    return this.#slots.length - this.#free.length;
  }

  /**
   * Takes in a verified chain. `under` are the capabilities of the session that presented it: it falls with them too. Throws LIMIT
   * when the table is full.
   */
  add(chain: CapabilityChain, now: Instant, under: readonly Held[] = []): Held {
    const index = this.#takeSlot();
    const capability = chain.at(-1)!;
    const above = under.flatMap((held) => held.chain);
    const held: Held = {
      handle: this.#generations[index]! * SLOTS + index,
      capability,
      chain: [...above.filter((one) => !chain.includes(one)), ...chain] as unknown as CapabilityChain,
      lease: leaseOf([...above, ...chain] as unknown as CapabilityChain, now),
      paths: new GrantedPaths(chain, now.wallMs),
      onRevoke: strictest([...above, ...chain].map(({ onRevoke }) => onRevoke)),
      account: null,
      revoked: null,
    };
    this.#slots[index] = held;
    for (const { id } of held.chain) {
      const line = this.#lineage.get(id) ?? new Set();
      this.#lineage.set(id, line);
      line.add(held);
    }
    return held;
  }

  /** null: there is none of this handle, or not any more. */
  find(handle: number): Held | null {
    const index = handle % SLOTS;
    const held = this.#slots[index];
    return held !== undefined && held !== null && held.handle === handle ? held : null;
  }

  /** Lets go of one that no session uses. */
  drop(held: Held): void {
    const index = held.handle % SLOTS;
    if (this.#slots[index] !== held) return;
    this.#slots[index] = null;
    this.#generations[index] = (this.#generations[index]! + 1) % GENERATIONS;
    this.#free.push(index);
    for (const { id } of held.chain) {
      const line = this.#lineage.get(id);
      line?.delete(held);
      if (line?.size === 0) this.#lineage.delete(id);
    }
  }

  /** Revokes what descends from the capability `id`, itself too. Gives what is revoked by this. */
  revokeId(id: string, why: string): readonly Held[] {
    return revoke(this.#lineage.get(id) ?? [], why);
  }

  /** Ids of the capabilities in use that have been revoked. */
  get revoked(): readonly string[] {
    return this.#slots.flatMap((held) =>
      held !== null && held.revoked !== null ? [held.capability.id] : [],
    );
  }

  /** Revokes those of whose chain `whyOf` gives a reason. */
  revokeWhere(whyOf: (chain: CapabilityChain) => string | null): readonly Held[] {
    const revoked: Held[] = [];
    for (const held of this.#slots) {
      const why = held === null || held.revoked !== null ? null : whyOf(held.chain);
      if (held !== null && why !== null) revoked.push(...revoke([held], why));
    }
    return revoked;
  }

  #takeSlot(): number {
    const index = this.#free.pop() ?? this.#slots.length;
    if (index >= SLOTS) {
      throw new SallyportError("LIMIT", `Cannot take in the capability: a run has at most ${SLOTS}`, {
        errno: "EMFILE",
      });
    }
    if (index >= this.#generations.length) {
      const larger = new Uint32Array(this.#generations.length * 2);
      larger.set(this.#generations);
      this.#generations = larger;
    }
    return index;
  }
}

function revoke(found: Iterable<Held>, why: string): readonly Held[] {
  const revoked: Held[] = [];
  for (const held of found) {
    if (held.revoked !== null) continue;
    held.revoked = why;
    revoked.push(held);
  }
  return revoked;
}

export function strictest(all: readonly OnRevoke[]): OnRevoke {
  return ON_REVOKE[Math.max(0, ...all.map((one) => ON_REVOKE.indexOf(one)))]!;
}
