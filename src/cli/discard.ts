import { openBrokered } from "../broker/stage/brokered.ts";
import { sweepLeftovers } from "../broker/stage/commit.ts";
import { readProgress } from "../files/stage_place.ts";
import { removeTree } from "../files/stage_removal.ts";
import { holdStage, type StageFlags, stateOf } from "./stage.ts";

/** `sallyport discard RUN`: the workspace stays as it is, but for what a killed commit left beside its targets. */
export async function discard(run: string, flags: StageFlags): Promise<void> {
  const state = stateOf(flags);
  const { stage } = holdStage(state, run);
  const brokered = await openBrokered(state, stage, readProgress(stage), "discard");
  try {
    await sweepLeftovers(stage, brokered);
  } finally {
    await brokered.close("discarded");
  }
  removeTree(stage.directory);
  console.log(flags.json ? JSON.stringify({ run, discarded: true }) : `run ${run}: discarded`);
}
