import { type Breach, breachOfSize } from "../../files/file_limits.ts";
import type { Found } from "../../platform/staging.ts";
import type { Denial, Request } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { refusal } from "../denial.ts";
import type { Outcome } from "../outcome.ts";
import type { RunLog } from "../run_log.ts";
import { open, truncate } from "./content.ts";
import { draft } from "./draft.ts";
import { EDQUOT, type Keeper, LimitReached, QuotaReached } from "./keeper.ts";
import { metadata } from "./metadata.ts";
import { link, make, rename, renew, unlink } from "./names.ts";
import type { Draft, Undo } from "./undo.ts";

type Late = Outcome | Promise<Outcome>;

/** The undo of a run that keeps what it changes. */
export class UndoRecorder implements Undo {
  readonly #keeper: Keeper;
  readonly #log: Pick<RunLog, "denial">;

  constructor(keeper: Keeper, log: Pick<RunLog, "denial">) {
    this.#keeper = keeper;
    this.#log = log;
  }

  perform(request: Request, caller: Caller, act: () => Late): Late {
    try {
      // The kernel holds the program itself to it (RLIMIT_FSIZE), and not the broker.
      const size =
        request.op === "truncate" ? breachOfSize(request.sizeBytes, this.#keeper.fileLimits) : null;
      if (size !== null) throw new LimitReached(size);
      const outcome = this.#kept(request, caller, act);
      if (!(outcome instanceof Promise)) return outcome;
      return outcome.catch((error: unknown) => this.#refused(request, caller, error));
    } catch (error) {
      return this.#refused(request, caller, error);
    }
  }

  renew(request: Request, act: () => number): number {
    return request.op === "rename" && this.#keeper.tracks(request.from)
      ? renew(request.from, this.#keeper, act)
      : act();
  }

  draft(path: string, replaced: Found | null, mode: number, umask: number): Draft | number {
    const keeper = this.#keeper.tracks(path) ? this.#keeper : null;
    return draft(path, replaced, { mode, umask, limits: this.#keeper.fileLimits }, keeper);
  }

  #kept(request: Request, caller: Caller, act: () => Late): Late {
    const keeper = this.#keeper;
    // Only opens, and what opens start, answer late.
    const now = act as () => Outcome;
    switch (request.op) {
      case "open":
        return keeper.tracks(request.path) ? open(request, keeper, act) : act();
      case "truncate":
        return keeper.tracks(request.path) ? truncate(request, keeper, act) : act();
      case "mkdir":
      case "mknod":
      case "symlink":
      case "bind-unix":
        return keeper.tracks(request.path) ? make(request, keeper, now) : act();
      case "unlink":
        return keeper.tracks(request.path) ? unlink(request, keeper, now) : act();
      case "rename":
        return keeper.tracks(request.from) || keeper.tracks(request.to)
          ? rename(request, keeper, now)
          : act();
      case "link":
        return keeper.tracks(request.from) || keeper.tracks(request.to)
          ? link(request, caller, keeper, now)
          : act();
      case "chmod":
      case "chown":
      case "utimens":
      case "setxattr":
      case "removexattr":
        return keeper.tracks(request.path) ? metadata(request.path, caller, keeper, now) : act();
      // What these change is kept by the draft itself.
      case "begin":
      case "commit":
      case "discard":
      case "stat":
      case "list":
      case "exec":
      case "connect":
      case "bind":
      case "resolve":
      case "kill":
      case "connect-unix":
      case "ssh-sign":
      case "refused":
        return act();
    }
  }

  /** What can not be undone any more does not happen. */
  #refused(request: Request, caller: Caller, error: unknown): Outcome {
    if (error instanceof LimitReached) return refuseBreach(request, caller, error.breach, this.#log);
    if (!(error instanceof QuotaReached)) throw error;
    const rule = {
      id: "undo.quota",
      reason: `what the run changes could no longer be undone: ${error.message}`,
    };
    const denial: Denial = {
      ...refusal(request.op, pathOf(request), rule),
      nextSteps: ["sallyport run --undo off …", 'raise "undoLimits" in a profile of your own'],
    };
    this.#log.denial(request, caller, denial, EDQUOT);
    return { kind: "denied", errno: EDQUOT, denial };
  }
}

/** Refuses what would be beyond the limits of the profile, on record. */
export function refuseBreach(
  request: Request,
  caller: Caller,
  { rule, reason, errno }: Breach,
  log: Pick<RunLog, "denial">,
): Outcome {
  const denial: Denial = refusal(request.op, pathOf(request), { id: rule, reason, remedy: BREACH_REMEDY });
  log.denial(request, caller, denial, errno);
  return { kind: "denied", errno, denial };
}

const BREACH_REMEDY = 'change "fileLimits" in a profile of your own';

function pathOf(request: Request): string {
  return "path" in request ? request.path : "to" in request ? request.to : "";
}
