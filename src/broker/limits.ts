import { DEFAULT_RATES, limitClass, makeBuckets, type Rates } from "../limits/buckets.ts";
import { consume } from "../limits/gcra.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import type { Session } from "./session.ts";

/** The buckets of one run: the documented defaults, and what its profile sets. */
export function runLimits(profile: Pick<ResolvedProfile, "limits">): Session["limits"] {
  const rates: Rates = { ...DEFAULT_RATES, ...profile.limits };
  const buckets = makeBuckets("run", rates);
  const levels = Object.fromEntries(Object.entries(buckets).map(([kind, level]) => [kind, [level]]));
  const epoch = performance.now();
  return {
    take(request) {
      // Nanoseconds since the start of the run stay exact in a double for 104 days.
      const nowNs = Math.floor((performance.now() - epoch) * 1e6);
      return consume(levels[limitClass(request)]!, 1, nowNs);
    },
  };
}
