import { readFileSync } from "node:fs";
import { decidePath, type Policy } from "../policy/decide.ts";
import { type Observation, Observations, wantingPaths } from "../policy/learn/observations.ts";
import { basename } from "../policy/path.ts";
import { RIGHT } from "../policy/rights.ts";
import { OPEN, type Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import type { Outcome } from "./outcome.ts";
import { asSelf } from "./own_process.ts";
import type { Session } from "./session.ts";

const ENOENT = 2;
const MAX_PROGRAMS = 10_000;
/** Stands in the record for a rule, where observing alone granted something. */
export const LEARNED = "learned";

/** What a run has shown that it needs. */
export type Observed = {
  readonly observations: readonly Observation[];
  /** Programs that ran and that no rule of the profile lets be executed. */
  readonly executed: readonly string[];
  /** Operations that were not kept, for there were too many names. */
  readonly dropped: number;
};

/**
 * Watches a run that is to be learned from: grants, with the caller's own authority, what no rule speaks of, and keeps what was
 * asked. What a deny rule of the profile or of pack:learning names stays denied.
 */
export class Observer {
  readonly policy: Policy;
  readonly #observations = new Observations();
  readonly #executed = new Set<string>();
  readonly #note: (program: string) => void;

  /** `note` puts a program that was executed on record. */
  constructor(policy: Policy, note: (program: string) => void) {
    this.policy = policy;
    this.#note = note;
  }

  /** To be called for every request that was performed, under the name by which it was. */
  saw(request: Request, caller: Caller, outcome: Outcome | null, rule: string, session: Session): void {
    this.#sawProgram(caller, request, session);
    if (rule !== LEARNED || isAbsent(request, outcome)) return;
    const judged = asSelf(request, caller, session);
    for (const wanting of wantingPaths(session.policy, judged)) this.#observations.add(judged.op, wanting);
  }

  get observed(): Observed {
    return {
      observations: this.#observations.all(),
      executed: [...this.#executed],
      dropped: this.#observations.dropped,
    };
  }

  /** Executing is not asked of the broker: a program shows in the first call that it makes, its script in being read by it. */
  #sawProgram(caller: Caller, request: Request, session: Session): void {
    const program = session.platform.readlink(`/proc/${caller.pid}/exe`);
    if (typeof program === "string") this.#ran(program, session);
    if (request.op !== "open" || request.flags & (OPEN.write | OPEN.create | OPEN.directory)) return;
    if (isScriptOf(caller.pid, request.path, session)) this.#ran(request.path, session);
  }

  #ran(program: string, session: Session): void {
    if (this.#executed.has(program) || this.#executed.size >= MAX_PROGRAMS) return;
    if (!program.startsWith("/") || program.endsWith(" (deleted)")) return;
    if (decidePath(session.policy, program, RIGHT.execute).kind === "allow") return;
    this.#executed.add(program);
    this.#note(program);
  }
}

/** Looking for what is not there needs no grant: the program is told ENOENT without one. */
function isAbsent(request: Request, outcome: Outcome | null): boolean {
  if (request.op !== "open" || request.flags & (OPEN.create | OPEN.temporary)) return false;
  return outcome?.kind === "failed" && outcome.errno === ENOENT;
}

/** execve(2) hands the name of a script to its interpreter, behind at most one argument. */
function isScriptOf(pid: number, path: string, { platform, policy }: Session): boolean {
  if (decidePath(policy, path, RIGHT.execute).kind === "allow") return false;
  const found = platform.stat(path);
  if (typeof found === "number" || found.kind !== "file" || (found.mode & 0o111) === 0) return false;
  try {
    const [, first = "", second = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return [first, second].some((name) => basename(name) === basename(path));
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
