/**
 * The buckets of many owners of one tier, as users or tenants are: each owner has one set for all its runs. Bounded: an owner that
 * nobody holds and whose buckets are full makes place for another, since a new set would be as full; one with anything taken out stays,
 * so that to be forgotten is never a refund. Where nobody can make place a new owner is refused.
 */
import { type Buckets, makeBuckets, type Rates } from "./buckets.ts";
import type { LimitRefusal } from "./refusal.ts";

/** Owners that are looked at for one that can go. */
const MAX_LOOKS = 16;

type Held = { readonly buckets: Buckets; holders: number };

export class Owners {
  readonly tier: string;
  readonly #capacity: number;
  readonly #rates: Rates;
  readonly #held = new Map<string, Held>();

  constructor(tier: string, capacity: number, rates: Rates) {
    this.tier = tier;
    this.#capacity = capacity;
    this.#rates = rates;
  }

  get size(): number {
    return this.#held.size;
  }

  /** The owner's buckets, held until `release`; a refusal when the table is full. */
  hold(owner: string, nowNs: number): Buckets | LimitRefusal {
    const known = this.#held.get(owner);
    if (known !== undefined) {
      known.holders++;
      return known.buckets;
    }
    if (this.#held.size >= this.#capacity && !this.#evict(nowNs)) {
      const [limit, used] = [this.#capacity, this.#held.size];
      return { kind: "full", level: `${this.tier}.owners`, limit, used, retryAfterMs: 1000 };
    }
    const buckets = makeBuckets(this.tier, this.#rates);
    this.#held.set(owner, { buckets, holders: 1 });
    return buckets;
  }

  release(owner: string): void {
    const known = this.#held.get(owner);
    if (known !== undefined && known.holders > 0) known.holders--;
  }

  #evict(nowNs: number): boolean {
    let looks = 0;
    for (const [owner, held] of this.#held) {
      const levels = Object.values(held.buckets);
      if (held.holders === 0 && levels.every(({ fullAtNs }) => fullAtNs <= nowNs)) {
        this.#held.delete(owner);
        return true;
      }
      if (++looks >= MAX_LOOKS) break;
      // To the end: the next look begins with others.
      this.#held.delete(owner);
      this.#held.set(owner, held);
    }
    return false;
  }
}
