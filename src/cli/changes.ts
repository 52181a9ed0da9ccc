import { printable } from "../broker/denial.ts";
import { openJudging, runRules } from "../broker/stage/brokered.ts";
import { reasonToKeep } from "../broker/stage/review.ts";
import { type Change, changesOf } from "../files/stage_changes.ts";
import { textDiff } from "../files/stage_diff.ts";
import { type ObjectFacts, sha256Of } from "../files/stage_object.ts";
import { findStage, listStages, readProgress, type Stage } from "../files/stage_place.ts";
import { compilePolicy } from "../policy/decide.ts";
import { joinPath } from "../policy/path.ts";
import { isLive, type StageFlags, stateOf } from "./stage.ts";

export type ChangesFlags = StageFlags & { readonly diff?: boolean };

const LETTER = { created: "A", modified: "M", metadata: "m", replaced: "R", deleted: "D" } as const;

/** `sallyport changes [RUN]`: what a commit would do, or the runs that have a stage. */
export function changes(run: string | undefined, flags: ChangesFlags): void {
  const state = stateOf(flags);
  if (run === undefined) {
    listRuns(state, flags);
    return;
  }
  const stage = findStage(state, run);
  const progress = readProgress(stage);
  const policy = compilePolicy(stage.facts.profile.name, runRules(state, stage));
  const judging = openJudging(state, stage, progress);
  const rows = [...changesOf(stage, progress)].map((change) => ({
    change,
    keptBecause: reasonToKeep(change, stage, policy, judging),
  }));
  if (flags.json) {
    const { workspace } = stage.facts;
    const list = rows.map(({ change, keptBecause }) =>
      asJson(stage, change, keptBecause, flags.diff === true),
    );
    console.log(JSON.stringify({ run, workspace, isRunning: isLive(stage), changes: list }));
    return;
  }
  if (isLive(stage)) console.log("The run is still at work: this is what it has changed so far.");
  for (const { change, keptBecause } of rows) {
    console.log(line(stage, change, keptBecause));
    if (flags.diff) printDiff(stage, change);
  }
  const kept = rows.filter(({ keptBecause }) => keptBecause !== "").length;
  console.log(
    `run ${run}: ${rows.length} changes in ${printable(stage.facts.workspace)}${kept === 0 ? "" : `, of which a commit would keep back ${kept}`}`,
  );
}

function listRuns(state: string, flags: ChangesFlags): void {
  const stages = listStages(state).map((run) => findStage(state, run));
  if (flags.json) {
    console.log(
      JSON.stringify(
        stages.map((stage) => ({
          run: stage.facts.run,
          workspace: stage.facts.workspace,
          isRunning: isLive(stage),
        })),
      ),
    );
    return;
  }
  for (const stage of stages) {
    const began = new Date(Number(BigInt(stage.facts.beganNs) / 1_000_000n)).toISOString();
    console.log(
      `${stage.facts.run} ${began} ${printable(stage.facts.workspace)}${isLive(stage) ? " (running)" : ""}`,
    );
  }
}

function line(stage: Stage, change: Change, keptBecause: string): string {
  const name = change.path === "" ? "." : printable(change.path);
  const slash = change.is?.kind === "directory" ? "/" : "";
  const kept = keptBecause === "" ? "" : ` — kept back: ${printable(keptBecause)}`;
  return `${LETTER[change.what]} ${name}${slash}${detail(stage, change)}${kept}`;
}

function detail(stage: Stage, { path, what, was, is, differs }: Change): string {
  if (what === "deleted") return was?.kind === "directory" ? " (directory)" : "";
  if (what === "replaced") return ` (${was?.kind} → ${is?.kind}${arrow(is)})`;
  if (what === "created" && is?.kind === "file")
    return ` (${is.sizeBytes} bytes, sha256 ${sha256Of(joinPath(stage.upper, path)).slice(0, 12)})`;
  if (what === "created") return is === null || is.kind === "directory" ? "" : ` (${is.kind}${arrow(is)})`;
  const parts = differs.map((one) => {
    if (one === "mode") return `mode ${octal(was)} → ${octal(is)}`;
    if (one === "owner") return `owner ${was?.uid}:${was?.gid} → ${is?.uid}:${is?.gid}`;
    if (one === "content" && is?.kind === "symlink") return `→ ${printable(is.target)}`;
    if (one === "content") return `${was?.sizeBytes} → ${is?.sizeBytes} bytes`;
    return one;
  });
  if (was !== null && was.kind === "file" && was.linkCount > 1)
    parts.push(`one of ${was.linkCount} names, of which only this one changes`);
  return ` (${parts.join(", ")})`;
}

function arrow(is: ObjectFacts | null): string {
  return is?.kind === "symlink" ? ` → ${printable(is.target)}` : "";
}

function octal(facts: ObjectFacts | null): string {
  return (facts?.mode ?? 0).toString(8).padStart(4, "0");
}

function printDiff(stage: Stage, change: Change): void {
  const text = textDiff(stage, change);
  if (text === null) console.log("  no text, or too much of it");
  else if (text !== "") for (const one of text.trimEnd().split("\n")) console.log(`  ${printable(one)}`);
}

function asJson(stage: Stage, change: Change, keptBecause: string, withDiff: boolean): object {
  const { path, what, was, is, differs } = change;
  const diff = withDiff ? { diff: textDiff(stage, change) } : {};
  return {
    path,
    what,
    differs,
    was: side(was, joinPath(stage.facts.workspace, path)),
    is: side(is, joinPath(stage.upper, path)),
    keptBecause,
    ...diff,
  };
}

function side(facts: ObjectFacts | null, path: string): object | null {
  if (facts === null) return null;
  const { kind, mode, uid, gid, sizeBytes, target } = facts;
  const common = { kind, mode: octal(facts), uid, gid };
  if (kind === "symlink") return { ...common, target };
  return kind === "file"
    ? { ...common, sizeBytes, sha256: sha256Of(path) }
    : { ...common, mode: mode.toString(8) };
}
