import { constants, openSync, readdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { claim, isAlive, ownerOf } from "../../audit/owner.ts";
import { type Choice, choicesFor, type Resolved, resolveEdited } from "../../files/undo/edited.ts";
import { hasJournal, journalFile, readJournal, runDirectory, UndoJournal } from "../../files/undo/journal.ts";
import { type Item, makePlan, type Plan } from "../../files/undo/plan.ts";
import { presentOf } from "../../files/undo/present.ts";
import { type Restored, restore, resume } from "../../files/undo/restore.ts";
import { seal, settle } from "../../files/undo/seal.ts";
import { replay, type Tree, touches, unpack } from "../../files/undo/tree.ts";
import { binding } from "../../platform/binding.ts";
import { Store } from "../../platform/staging.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { userByUid } from "../user.ts";

const LOCK = "undo.lock";

/** Marks the journal of a run as in use by this process. False while another one that lives has it. */
export function lockUndo(directory: string): boolean {
  return claim(join(directory, LOCK)) !== undefined;
}

export function unlockUndo(directory: string): void {
  unlinkSync(join(directory, LOCK));
}

/** The ids of the runs in a state directory that have an undo journal. */
export function keptRuns(state: string): string[] {
  const runs = join(state, "runs");
  let names: string[];
  try {
    names = readdirSync(runs);
  } catch {
    // No run has been here yet.
    return [];
  }
  return names.filter((run) => hasJournal(join(runs, run))).sort();
}

/** One start of a run waits for no more than this. */
const MAX_EXPIRED_AT_ONCE = 16;

/**
 * Removes what runs have kept whose last change to it is longer ago than `keepDays`, and gives their ids. Runs that are not over, and what
 * can not be removed, stay.
 */
export function expireUndo(state: string, keepDays: number, atMost: number = MAX_EXPIRED_AT_ONCE): string[] {
  const oldest = Date.now() - keepDays * 86_400_000;
  const expired: string[] = [];
  for (const run of keptRuns(state)) {
    if (expired.length === atMost) break;
    const directory = runDirectory(state, run);
    const journal = statSync(journalFile(directory), { throwIfNoEntry: false });
    if (journal === undefined || journal.mtimeMs > oldest || !lockUndo(directory)) continue;
    try {
      rmSync(join(directory, "undo"), { recursive: true, force: true });
      // Last: what has no journal is no longer looked at.
      unlinkSync(journalFile(directory));
      expired.push(run);
    } finally {
      unlockUndo(directory);
    }
  }
  return expired;
}

/** The run that a person means: one by its id, or the last one that has changed the file at `path` and is over. */
export function keptRunOf(state: string, named: string, path: string): string {
  const runs = keptRuns(state);
  if (runs.includes(named)) return named;
  const last = runs
    .filter((run) => !isInUse(state, run))
    .map((run) => ({ run, tree: readKept(state, run) }))
    .filter(({ tree }) => touches(tree, path))
    .sort((one, two) => two.tree.begin.time - one.tree.begin.time);
  const found = last.find(({ tree }) => tree.restored === null) ?? last[0];
  if (found !== undefined) return found.run;
  throw new SallyportError(
    "NOT_FOUND",
    `Cannot find a run "${named}", or one that has changed such a file; sallyport undo list names the runs`,
  );
}

/** What is known of a run without touching anything. */
export function readKept(state: string, run: string): Tree {
  return replay(readJournal(existing(state, run)));
}

/** Says whether the broker of the run, or another restore, is at work. */
export function isInUse(state: string, run: string): boolean {
  const owner = ownerOf(join(runDirectory(state, run), LOCK));
  return owner !== undefined && isAlive(owner);
}

/** A run whose broker is gone, open for being put back. */
export type KeptRun = {
  readonly tree: Tree;
  plan(only: readonly string[]): Plan;
  restore(only: readonly string[]): Restored;
  /** What a person may choose for an item that is kept. */
  choices(item: Item, plan: Plan): readonly Choice[];
  /** What is still kept of these paths, by the choice of a person who has named them. */
  resolve(only: readonly string[], choice: Choice): readonly Resolved[];
  readonly store: Store;
  close(): void;
};

/**
 * Opens the undo of a run, and seals it when its broker was killed before it could. Until `close` the thread has no more authority
 * than the caller, and no more than the run's user. Throws BUSY while the run is not over.
 */
export function openKept(state: string, run: string): KeptRun {
  const directory = existing(state, run);
  if (!lockUndo(directory)) {
    throw new SallyportError("BUSY", `Cannot put back run "${run}": it is not over, or is being put back`);
  }
  try {
    return opened(directory);
  } catch (error) {
    unlockUndo(directory);
    throw error;
  }
}

function opened(directory: string): KeptRun {
  const journal = UndoJournal.continue(directory);
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const entries = journal.read();
  const { uid, place, workspace, run } = replay(entries).begin;
  const parking = place === "moved" ? "" : join(workspace, `.sallyport-${run}-`);
  const store = new Store(openSync(join(directory, "undo"), flags), parking);
  const lowered = lowerTo(uid);
  let tree = replay(entries);
  try {
    if (tree.sealed === "no") {
      settle(entries, journal, store);
      seal(entries, journal, store, "late");
      tree = replay(journal.read());
    }
  } catch (error) {
    if (lowered) binding.raiseAuthority();
    throw error;
  }
  unpack(tree, store);
  return {
    tree,
    store,
    plan: (only) => makePlan(tree, presentOf(store), only),
    restore(only) {
      resume(tree, store);
      return restore(makePlan(tree, presentOf(store), only), store, journal);
    },
    choices: (item, plan) => choicesFor(item, plan, store),
    resolve: (only, choice) =>
      resolveEdited(makePlan(replay(journal.read()), presentOf(store), only), choice, store, journal),
    close() {
      if (lowered) binding.raiseAuthority();
      journal.close();
      store.close();
      unlockUndo(directory);
    },
  };
}

/** Root puts back what another user's run has changed as that user. */
function lowerTo(uid: number): boolean {
  if (process.geteuid!() !== 0 || uid === 0) return false;
  const { gid, groups } = userByUid(uid);
  binding.lowerAuthority({ uid, gid, groups }, []);
  return true;
}

function existing(state: string, run: string): string {
  const directory = runDirectory(state, run);
  if (hasJournal(directory)) return directory;
  throw new SallyportError(
    "NOT_FOUND",
    `Cannot find anything to put back of run "${run}"; sallyport undo list names the runs`,
  );
}
