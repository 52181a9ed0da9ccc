import { DEFAULT_STORMS } from "../../limits/storms.ts";
import { linux } from "../../platform/linux.ts";
import { decidePath, type Policy } from "../../policy/decide.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { RIGHT } from "../../policy/rights.ts";
import type { Containment } from "../containment.ts";
import { stormDisk } from "./disk.ts";
import { Storms } from "./storms.ts";

/** The breakers of a run that begins now; what they open stops it. */
export function stormsOf(_profile: ResolvedProfile, policy: Policy, containment: Containment): Storms {
  const epoch = performance.now();
  const storms = new Storms({
    settings: DEFAULT_STORMS,
    disk: stormDisk(linux, Date.now()),
    now: () => Math.floor(performance.now() - epoch),
    mayWrite: (path) => decidePath(policy, path, RIGHT.write).kind === "allow",
    // A run that is ending needs no stop.
    open: (cause) => void containment.freeze(cause).catch(() => {}),
  });
  containment.onResume(({ disarmed }) => storms.resumed(disarmed));
  return storms;
}
