import type { Request } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";

type Late = Outcome | Promise<Outcome>;

/** Sees to it that what a request changes can be put back. */
export type Undo = {
  /**
   * Does `act`, or what has the same effect and keeps what was there before. What is needed to put it back is in the undo journal
   * before anything happens. Event-loop thread, with the authority of the run.
   */
  perform(request: Request, caller: Caller, act: () => Late): Late;
};

/** For a run that is not to be undone. */
export const NO_UNDO: Undo = { perform: (_request, _caller, act) => act() };
