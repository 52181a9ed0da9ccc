import { realpathSync } from "node:fs";
import type { SlowPathParts } from "../broker/cedar/slow_path.ts";
import { layeredProfile } from "../broker/layers/bind.ts";
import { chosenProfile } from "../broker/saved_profiles.ts";
import { stateDirectory } from "../broker/state.ts";
import { userByUid } from "../broker/user.ts";
import { type Places, realName } from "../broker/workspace.ts";
import type { Layer } from "../policy/layers/layer.ts";
import type { ResolvedProfile } from "../policy/profile.ts";

export const PRIVATE_TMP = "/tmp/sallyport-run";

/** What a run that is started here, and now, would be under. */
export type Layered = {
  readonly profile: ResolvedProfile;
  readonly profileFile: string | undefined;
  readonly layers: readonly Layer[];
  readonly places: Places;
  /** Who asks Cedar. A run would have an id. */
  readonly asker: SlowPathParts;
};

export async function layeredHere(flags: {
  readonly profile: string;
  readonly state?: string;
}): Promise<Layered> {
  const uid = process.geteuid!();
  const { home, name } = userByUid(uid);
  const workspace = realpathSync(process.cwd());
  const state = realName(stateDirectory(flags.state, home));
  const { profile: chosen, profileFile } = chosenProfile(flags.profile, flags.state);
  const { profile, layers } = await layeredProfile({ profile: chosen }, { workspace, home, uid, state });
  const places = { workspace, home: realName(home), tmp: PRIVATE_TMP, state };
  return { profile, profileFile, layers, places, asker: { agent: name, run: "", uid } };
}
