import { DEFAULT_RATES, type LimitClass, limitClass, makeBuckets, type Rates } from "../limits/buckets.ts";
import { consume, type Level, refusingLevel } from "../limits/gcra.ts";
import { Hierarchy, type Levels } from "../limits/hierarchy.ts";
import type { LimitRefusal } from "../limits/refusal.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import type { Request } from "../protocol/message.ts";

/** The rates that the requests of one run are held to. */
export type RunLimits = {
  /** 0: go on; else the nanoseconds to wait, or a refusal where the profile wants no waiting. */
  take(request: Request): number | LimitRefusal;
  /** Lets go of what it shares with other runs. */
  close(): void;
};

export const NO_LIMITS: RunLimits = { take: () => 0, close: () => {} };

const MAX_USERS = 4096;
/** What all runs of one user, and of the host, may do together: as much as four, and as eight. */
const USER_RUNS = 4;
const HOST_RUNS = 8;

/**
 * The levels above the run, of all runs that this process serves. A broker of its own for each run has them for that run alone; a
 * service that serves many shares them by this very table.
 */
export const SHARED_LIMITS: Hierarchy = new Hierarchy({
  host: { capacity: 1, rates: times(DEFAULT_RATES, HOST_RUNS) },
  user: { capacity: MAX_USERS, rates: times(DEFAULT_RATES, USER_RUNS) },
});

const epoch = performance.now();

/** Nanoseconds since the start of the process: exact in a double for 104 days. */
function nowNs(): number {
  return Math.floor((performance.now() - epoch) * 1e6);
}

/** The rates of one run: the documented defaults, and what its profile sets, below those of its user and of the host. */
export function runLimits(
  profile: Pick<ResolvedProfile, "limits">,
  user = "",
  shared: Hierarchy = SHARED_LIMITS,
): RunLimits {
  const rates: Rates = { ...DEFAULT_RATES, ...profile.limits };
  const own = makeBuckets("run", rates);
  const above = shared.hold({ host: "", user }, nowNs());
  if ("kind" in above) return { take: () => above, close: () => {} };
  const levels = Object.fromEntries(
    Object.entries(own).map(([kind, level]) => [kind, [...above.levels[kind as LimitClass], level]]),
  ) as unknown as Levels;
  const refuses = new Set(
    Object.entries(profile.limits).flatMap(([kind, { above: how }]) => (how === "refuse" ? [kind] : [])),
  );
  return {
    take(request) {
      const kind = limitClass(request);
      const now = nowNs();
      const waitNs = consume(levels[kind], 1, now);
      if (waitNs === 0 || !refuses.has(kind)) return waitNs;
      return refusalOf(refusingLevel(levels[kind], 1, now), waitNs);
    },
    close: above.release,
  };
}

function refusalOf(level: Level | undefined, waitNs: number): LimitRefusal {
  const { name = "run", burstNs = 0, intervalNs = 1 } = level ?? {};
  const limit = Math.floor(burstNs / intervalNs);
  const retryAfterMs = Number.isFinite(waitNs) ? Math.ceil(waitNs / 1e6) : null;
  return { kind: "rate", level: name, limit, used: limit, retryAfterMs };
}

function times(rates: Rates, factor: number): Rates {
  return Object.fromEntries(
    Object.entries(rates).map(([kind, { perSecond, burst }]) => [
      kind,
      { perSecond: perSecond * factor, burst: burst * factor },
    ]),
  ) as Rates;
}
