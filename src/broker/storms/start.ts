import type { BreakerSettings } from "../../limits/breaker.ts";
import { DEFAULT_STORMS, STORMS, type StormSettings } from "../../limits/storms.ts";
import { linux } from "../../platform/linux.ts";
import { decidePath, type Policy } from "../../policy/decide.ts";
import type { BreakerSetting, ResolvedProfile } from "../../policy/profile.ts";
import { RIGHT } from "../../policy/rights.ts";
import type { Containment } from "../containment.ts";
import { stormDisk } from "./disk.ts";
import { Storms } from "./storms.ts";

/** The breakers of a run that begins now; what they open stops it. */
export function stormsOf(
  { breakers }: Pick<ResolvedProfile, "breakers">,
  policy: Policy,
  containment: Containment,
): Storms {
  const epoch = performance.now();
  const storms = new Storms({
    settings: settingsOf(breakers),
    disk: stormDisk(linux, Date.now()),
    now: () => Math.floor(performance.now() - epoch),
    mayWrite: (path) => decidePath(policy, path, RIGHT.write).kind === "allow",
    // A run that is ending needs no stop.
    open: (cause) => void containment.freeze(cause).catch(() => {}),
  });
  containment.onResume(({ disarmed }) => storms.resumed(disarmed));
  return storms;
}

const END_AFTER_SECONDS = 600;

/** How long a frozen run without a terminal waits for somebody. */
export function endAfterMs({ endAfterSeconds = END_AFTER_SECONDS }: BreakerSetting): number {
  return endAfterSeconds * 1000;
}

/** The documented storms, and what a profile sets. */
function settingsOf(breakers: BreakerSetting): StormSettings {
  const entries = STORMS.map((storm): [string, BreakerSettings] => {
    const set = breakers[storm];
    const of = DEFAULT_STORMS[storm];
    if (set === undefined || typeof set === "number") return [storm, of];
    return [storm, { ...of, count: set.count, windowMs: set.seconds * 1000 }];
  });
  return Object.fromEntries(entries) as StormSettings;
}
