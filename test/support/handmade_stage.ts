import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadProfile } from "../../src/broker/profiles.ts";
import { findStage, makeStage, noteMarks, type Stage } from "../../src/files/stage_place.ts";
import type { Arena } from "./arena.ts";

export const HANDMADE_RUN = "0123456789ab";

/**
 * A stage as a run leaves it behind, without a run: for what no program inside can bring about. Whiteouts need root. What is put
 * into the workspace before counts as older than the run.
 */
export async function handmadeStage(
  arena: Arena,
  layer: (at: (name: string) => string) => void,
): Promise<Stage> {
  // One tick of the clock that stamps files, and the tick that a stage allows for.
  await sleep(30);
  const directory = makeStage(arena.state, {
    run: HANDMADE_RUN,
    workspace: arena.workspace,
    home: arena.home,
    profile: loadProfile(":workspace"),
    reads: [],
    writes: [],
    user: null,
  });
  noteMarks(directory, "trusted.overlay.");
  layer((name) => {
    const path = join(directory, "upper", name);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  });
  return findStage(arena.state, HANDMADE_RUN);
}

/** Puts a file there. */
export function putFile(path: string, text: string, mode = 0o644): void {
  writeFileSync(path, text, { mode });
}

/** Hides the name below it, as overlayfs does. */
export function putWhiteout(path: string): void {
  execFileSync("mknod", [path, "c", "0", "0"]);
}
