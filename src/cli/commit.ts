import { printable } from "../broker/denial.ts";
import { openBrokered } from "../broker/stage/brokered.ts";
import { commitStage } from "../broker/stage/commit.ts";
import { readProgress } from "../files/stage_place.ts";
import { removeTree } from "../files/stage_removal.ts";
import { holdStage, type StageFlags, stateOf } from "./stage.ts";

export type CommitFlags = StageFlags & { readonly only: readonly string[] };

/** `sallyport commit RUN`: exit 1 when something was kept back. */
export async function commit(run: string, flags: CommitFlags): Promise<void> {
  const state = stateOf(flags);
  const { stage, release } = holdStage(state, run);
  const brokered = await openBrokered(state, stage, readProgress(stage), "commit");
  let outcome = "interrupted";
  try {
    const result = await commitStage(state, stage, brokered, flags.only);
    outcome = `${result.committed.length} committed, ${result.kept.length} kept`;
    const undoable = await brokered.close(outcome);
    if (result.isComplete) removeTree(stage.directory);
    else release();
    if (flags.json)
      console.log(
        JSON.stringify({ run, log: brokered.log, workspace: stage.facts.workspace, undoable, ...result }),
      );
    else {
      for (const { path, reason } of result.kept)
        console.log(`kept: ${printable(path)} — ${printable(reason)}`);
      const rest = result.isComplete ? "" : ` · what is left: sallyport changes ${run}`;
      console.log(`run ${run}: ${outcome} · log ${brokered.log}${rest}`);
      if (undoable > 0) console.log(`to put it back: sallyport undo restore ${brokered.log}`);
    }
    process.exitCode = result.kept.length === 0 ? 0 : 1;
  } catch (error) {
    if (outcome === "interrupted") await brokered.close(outcome);
    throw error;
  }
}
