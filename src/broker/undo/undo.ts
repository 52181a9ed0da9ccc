import type { Found } from "../../platform/staging.ts";
import type { Request } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import { draft } from "./draft.ts";

type Late = Outcome | Promise<Outcome>;

/**
 * What is known of a file by the time that an open comes to its effect. A descriptor: it is open already, as asked but for emptying it,
 * which was done where it was to be. "new": nothing stood there, and whatever does by now is -EEXIST.
 */
export type Opening = number | "new";

/** Sees to it that what a request changes can be put back. */
export type Undo = {
  /**
   * Does `act`, or what has the same effect and keeps what was there before. What is needed to put it back is in the undo journal
   * before anything happens. Event-loop thread, with the authority of the run.
   */
  perform(request: Request, caller: Caller, act: (opening?: Opening) => Late): Late;
  /** Does `act`, which puts another file in the place of the one that a rename is about to move. 0 or -errno. */
  renew(request: Request, act: () => number): number;
  /** A file that is to take the place of what stands at `path` (null: nothing does), or -errno. */
  draft(path: string, replaced: Found | null, mode: number, umask: number): Draft | number;
};

/** A file that has no name in the tree yet. */
export type Draft = {
  /** The broker's own descriptor, for reading and writing. */
  readonly fd: number;
  /** Gives it its place, and keeps what stood there. Once. 0 or -errno with nothing done; throws what `Undo.perform` answers. */
  put(): number;
  /** Closes it, and removes it where it got no place. */
  drop(): void;
};

const ANYTHING = { maxBytes: null, maxFiles: null, mimeTypes: [] };

/** For a run that is not to be undone. */
export const NO_UNDO: Undo = {
  perform: (_request, _caller, act) => act(),
  renew: (_request, act) => act(),
  draft: (path, replaced, mode, umask) => draft(path, replaced, { mode, umask, limits: ANYTHING }, null),
};
