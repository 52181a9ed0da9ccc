import { chownSync, constants, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Placement } from "../../files/undo/entry.ts";
import { runDirectory, UndoJournal } from "../../files/undo/journal.ts";
import { type RolledBack, rollBack } from "../../files/undo/roll_back.ts";
import { type Sealed, seal } from "../../files/undo/seal.ts";
import { linux } from "../../platform/linux.ts";
import { Store } from "../../platform/staging.ts";
import { limitsFiles, type ResolvedProfile } from "../../policy/profile.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { OPEN } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { RunLog } from "../run_log.ts";
import type { Session } from "../session.ts";
import type { WrittenFiles } from "../tokens/written_files.ts";
import { Transactions } from "../transactions.ts";
import type { User } from "../user.ts";
import type { Places } from "../workspace.ts";
import { Keeper } from "./keeper.ts";
import { expireUndo, lockUndo, unlockUndo } from "./kept_run.ts";
import { refuseBreach, UndoRecorder } from "./recorder.ts";
import { NO_UNDO, type Undo } from "./undo.ts";

export type UndoFacts = Placement | "off";

export type UndoSetting = {
  readonly undo?: "journaled" | "off" | undefined;
  readonly profile: Pick<ResolvedProfile, "name" | "undo" | "undoLimits" | "fileLimits" | "mediation">;
  /** Set where the run's changes are held back: a commit looks at them. */
  readonly staged?: unknown;
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
  /** To be called when no process of the run is left, with the run's authority. `written`: what files must be besides. */
  seal(written: Pick<WrittenFiles, "of">): Sealed;
  /** With full authority. */
  close(): void;
};

/** Makes the store and the journal of a run, out of the program's reach; null for a run without undo. With full authority. */
export function startUndo(
  setting: UndoSetting,
  { state, run, user, self, places }: UndoPlace,
): RunUndo | null {
  const { profile } = setting;
  expireUndo(state, profile.undoLimits.keepDays);
  const limits = limitsFiles(profile.fileLimits) ? profile.fileLimits : null;
  const isOff = (setting.undo ?? profile.undo) === "off";
  if (limits !== null && (isOff || profile.mediation === "kernel") && setting.staged === undefined) {
    throw new SallyportError(
      "SETUP",
      `Cannot hold the run to the fileLimits of profile "${profile.name}" without undo: a file beyond them is put back; leave out --undo off and mediation kernel`,
    );
  }
  if (isOff) return null;
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
  let log: Pick<RunLog, "denial"> | null = null;
  const untracked = [`${places.tmp}/`, "/dev/", "/proc/", "/sys/"];
  return {
    placement,
    recorder(given) {
      log = given;
      const { undoLimits, fileLimits } = profile;
      return new UndoRecorder(
        new Keeper({ journal, store, placement, platform: linux, untracked, ...undoLimits, fileLimits }),
        given,
      );
    },
    seal(written) {
      const ofProfile = limits === null ? [] : [[limits]];
      const beyond = rollBack(journal, store, (path) => [...ofProfile, ...written.of(path)]);
      for (const one of beyond) if (log !== null) report(one, log);
      const sealed = seal(journal.read(), journal, store, "end");
      return { ...sealed, undoable: sealed.undoable - beyond.filter(({ isBack }) => isBack).length };
    },
    close() {
      journal.close();
      store.close();
      unlockUndo(directory);
    },
  };
}

/** The parts of a session that deal with what a run writes. */
export function writesOf(undo: RunUndo | null, log: RunLog): Pick<Session, "undo" | "transactions"> {
  return { undo: undo?.recorder(log) ?? NO_UNDO, transactions: new Transactions() };
}

/** Tells the person, and the record: the program is gone. */
function report({ path, isBack, reason, ...breach }: RolledBack, log: Pick<RunLog, "denial">): void {
  const what = isBack ? "the file was put back as it was" : "THE FILE COULD NOT BE PUT BACK";
  const request = { op: "open", path, flags: OPEN.write, mode: 0 } as const;
  refuseBreach(request, BROKER, { ...breach, reason: `${reason}; ${what}` }, log);
}

const BROKER: Caller = {
  pid: process.pid,
  tid: process.pid,
  heldFd: -1,
  descriptors: [],
  waits: () => true,
};

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
