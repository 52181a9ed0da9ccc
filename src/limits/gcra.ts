/**
 * The generic cell rate algorithm (ITU-T I.371, annex A): one number a level, the time at which its bucket would be full
 * again. Whole nanoseconds in a float64, exact for 104 days of the clock: count from the start of the process.
 */
export type Level = {
  /** "agent", "user", "tenant", with the class: what a refusal names. */
  readonly name: string;
  /** Time that one unit of cost takes: ceil(1e9 / rate), so that rounding never grants more than the rate. */
  readonly intervalNs: number;
  /** Time in which a whole burst comes back. */
  readonly burstNs: number;
  /** Written by `consume` alone. */
  fullAtNs: number;
};

/** `perSecond` is the rate that lasts, `burst` the most at once, both in units of cost. */
export function makeLevel(name: string, perSecond: number, burst: number): Level {
  const intervalNs = Math.ceil(1e9 / perSecond);
  return { name, intervalNs, burstNs: burst * intervalNs, fullAtNs: 0 };
}

/**
 * Takes `cost` from every level, or from none. Gives 0, or the nanoseconds until all levels together would allow it;
 * Infinity when the cost is above some burst and so never will be. A clock that went backwards, or is no number, refuses.
 */
export function consume(levels: readonly Level[], cost: number, nowNs: number): number {
  let waitNs = 0;
  for (let i = 0; i < levels.length; i++) {
    const wait = waitOf(levels[i]!, cost, nowNs);
    if (wait > waitNs) waitNs = wait;
  }
  if (waitNs > 0) return waitNs;
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!;
    level.fullAtNs = Math.max(level.fullAtNs, nowNs) + cost * level.intervalNs;
  }
  return 0;
}

/** The level that a refused request waits for longest; undefined when none refuses. Takes nothing. */
export function refusingLevel(levels: readonly Level[], cost: number, nowNs: number): Level | undefined {
  let longest: Level | undefined;
  let waitNs = 0;
  for (const level of levels) {
    const wait = waitOf(level, cost, nowNs);
    if (wait > waitNs) {
      longest = level;
      waitNs = wait;
    }
  }
  return longest;
}

function waitOf(level: Level, cost: number, nowNs: number): number {
  const takesNs = cost * level.intervalNs;
  const excess = Math.max(level.fullAtNs, nowNs) + takesNs - nowNs - level.burstNs;
  if (takesNs >= 0 && takesNs <= level.burstNs && excess <= 0) return 0;
  // NaN fails every comparison above and ends here: a broken cost or clock is refused, and nothing is stored of it.
  return takesNs >= 0 && takesNs <= level.burstNs && excess > 0 ? excess : Number.POSITIVE_INFINITY;
}
