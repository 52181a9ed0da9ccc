import type { CapabilityChain } from "../../policy/capability/capability.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { Places } from "../workspace.ts";
import { Authority, endOf } from "./authority.ts";
import { CapabilityTable, type Held } from "./capability_table.ts";
import { BatchClock, type Clock, systemClock } from "./clock.ts";
import { type Floor, floorOfTokens } from "./floor.ts";

/** The tokens of one run: those that it was started with, and those that its programs present. */
export class RunTokens {
  readonly run: string;
  readonly table: CapabilityTable = new CapabilityTable();
  readonly clock: BatchClock;
  /** Of the run's first session; null: it has what the profile grants. */
  readonly root: Authority | null;
  readonly #places: Places;
  #floor: Floor | null = null;

  /** `chains` are verified. Throws SETUP for one that is not good now, or not for this run. */
  constructor(run: string, chains: readonly CapabilityChain[], places: Places, clock: Clock = systemClock) {
    this.run = run;
    this.clock = new BatchClock(clock);
    this.#places = places;
    const held = chains.map((chain) => this.take(chain, null));
    this.root = held.length === 0 ? null : this.authority(held, null, places.tmp);
  }

  /** Takes in a verified chain that somebody with `under` presents. Throws SETUP where it is of no use. */
  take(chain: CapabilityChain, under: Authority | null): Held {
    const stranger = chain.find(({ run }) => run !== null && run !== this.run);
    if (stranger !== undefined) {
      throw new SallyportError(
        "SETUP",
        `Cannot use capability "${stranger.id}": it is for run ${stranger.run}, and this is run ${this.run}`,
        { errno: "EACCES" },
      );
    }
    const now = this.clock.now();
    const held = this.table.add(chain, now, under?.all);
    const end = endOf(held, now);
    if (end === null) return held;
    this.table.drop(held);
    throw new SallyportError("SETUP", `Cannot use a token: ${end.reason}; ${end.remedy}`, {
      errno: "EACCES",
    });
  }

  authority(held: readonly Held[], parent: Authority | null, tmp: string): Authority {
    this.#floor ??= floorOfTokens(this.#places);
    return new Authority({ held, parent, floor: this.#floor, tmp, clock: this.clock });
  }
}

/** For the start line and the first record: each capability, what it was derived from, and its end. */
export function describeTokens(authority: Authority | null): string {
  if (authority === null) return "";
  return authority.held
    .map(({ capability, chain, lease }) => {
      const above = chain.slice(0, -1).map(({ id }) => id);
      const from = above.length === 0 ? "" : ` of ${above.join(" › ")}`;
      return `${capability.id}${from} until ${new Date(lease.expiresMs).toISOString()}`;
    })
    .join(", ");
}
