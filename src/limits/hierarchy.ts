/** The levels that one operation is taken from, all or none: host, tenant, user, run, capability. */
import type { LimitClass, Rates } from "./buckets.ts";
import type { Level } from "./gcra.ts";
import { Owners } from "./owners.ts";
import type { LimitRefusal } from "./refusal.ts";

export const TIERS = ["host", "tenant", "user", "run", "capability"] as const;
export type Tier = (typeof TIERS)[number];
/** The levels of one class, the widest first: what `consume` takes from. */
export type Levels = { readonly [kind in LimitClass]: readonly Level[] };

export type TierSettings = { readonly capacity: number; readonly rates: Rates };

export type HeldLevels = {
  readonly levels: Levels;
  /** Lets go of the owners. Once. */
  release(): void;
};

const CLASSES: readonly LimitClass[] = ["read", "write", "delete", "metadata", "exec", "connect", "transfer"];

export class Hierarchy {
  readonly #tiers: ReadonlyMap<Tier, Owners>;

  /** A tier without settings has no limits of its own. */
  constructor(settings: { readonly [tier in Tier]?: TierSettings }) {
    const made = TIERS.flatMap((tier): [Tier, Owners][] => {
      const of = settings[tier];
      return of === undefined ? [] : [[tier, new Owners(tier, of.capacity, of.rates)]];
    });
    this.#tiers = new Map(made);
  }

  /** The levels for whoever acts for these owners; a refusal, with nothing held, when some table is full. */
  hold(owners: { readonly [tier in Tier]?: string }, nowNs: number): HeldLevels | LimitRefusal {
    const levels: Record<LimitClass, Level[]> = {
      read: [],
      write: [],
      delete: [],
      metadata: [],
      exec: [],
      connect: [],
      transfer: [],
    };
    const held: [Owners, string][] = [];
    const release = (): void => {
      for (const [table, owner] of held.splice(0)) table.release(owner);
    };
    for (const [tier, table] of this.#tiers) {
      const owner = owners[tier];
      if (owner === undefined) continue;
      const buckets = table.hold(owner, nowNs);
      if ("kind" in buckets) {
        release();
        return buckets;
      }
      held.push([table, owner]);
      for (const kind of CLASSES) levels[kind].push(buckets[kind]);
    }
    return { levels, release };
  }
}
