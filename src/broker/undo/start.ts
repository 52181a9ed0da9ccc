import { chownSync, constants, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Placement } from "../../files/undo/entry.ts";
import { runDirectory, UndoJournal } from "../../files/undo/journal.ts";
import { type Sealed, seal } from "../../files/undo/seal.ts";
import { linux } from "../../platform/linux.ts";
import { Store } from "../../platform/staging.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import type { RunLog } from "../run_log.ts";
import type { User } from "../user.ts";
import type { Places } from "../workspace.ts";
import { Keeper } from "./keeper.ts";
import { lockUndo, unlockUndo } from "./kept_run.ts";
import { UndoRecorder } from "./recorder.ts";
import type { Undo } from "./undo.ts";

export type UndoFacts = Placement | "off";

export type UndoSetting = {
  readonly undo?: "journaled" | "off" | undefined;
  readonly profile: Pick<ResolvedProfile, "undo" | "undoLimits">;
};

export type UndoPlace = {
  readonly state: string;
  readonly run: string;
  readonly user: User;
  readonly self: User;
  readonly places: Places;
};

/** The undo of one run, from its start to its end. */
export type RunUndo = {
  readonly placement: Placement;
  /** What the dispatcher asks. */
  recorder(log: Pick<RunLog, "denial">): Undo;
  /** To be called when no process of the run is left, with the run's authority. */
  seal(): Sealed;
  /** With full authority. */
  close(): void;
};

/** Makes the store and the journal of a run, out of the program's reach; null for a run without undo. With full authority. */
export function startUndo(
  setting: UndoSetting,
  { state, run, user, self, places }: UndoPlace,
): RunUndo | null {
  const { profile } = setting;
  if ((setting.undo ?? profile.undo) === "off") return null;
  const directory = runDirectory(state, run);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const storePath = join(directory, "undo");
  mkdirSync(storePath, { mode: 0o700 });
  lockUndo(directory);
  // Objects are moved with the authority of the run's user, by the descriptor: no path leads him there.
  if (user !== self) chownSync(storePath, user.uid, user.gid);
  const fd = openSync(storePath, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const store = new Store(fd);
  const placement: Placement = mountOf(fd) === mountOfPath(places.workspace) ? "moved" : "copied";
  const journal = UndoJournal.create(directory);
  journal.append({
    k: "begin",
    v: 1,
    run,
    uid: user.uid,
    user: user.name,
    workspace: places.workspace,
    place: placement,
    time: Date.now(),
  });
  const untracked = [`${places.tmp}/`, "/dev/", "/proc/", "/sys/"];
  return {
    placement,
    recorder: (log) =>
      new UndoRecorder(
        new Keeper({ journal, store, placement, platform: linux, untracked, ...profile.undoLimits }),
        log,
      ),
    seal: () => seal(journal.read(), journal, store, "end"),
    close() {
      journal.close();
      store.close();
      unlockUndo(directory);
    },
  };
}

/** proc_pid_fdinfo(5): a rename can only stay within one mount. */
function mountOf(fd: number): string {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "";
}

function mountOfPath(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return mountOf(fd);
  } finally {
    linux.close(fd);
  }
}
