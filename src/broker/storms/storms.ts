import { Breaker } from "../../limits/breaker.ts";
import {
  isMadeAgain,
  MACHINE_ERRORS,
  STORM_WORDS,
  STORMS,
  type Storm,
  type StormSettings,
} from "../../limits/storms.ts";
import { errnoName } from "../../platform/errno.ts";
import { OPEN, type Request } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Cause } from "../containment.ts";
import { printable } from "../denial.ts";
import type { Outcome } from "../outcome.ts";
import type { Looks, StormDisk } from "./disk.ts";
import { Replacements } from "./replacements.ts";

const JUDGE_EVERY_MS = 250;
const MAX_PROGRAMS = 64;
const PROGRAM_GOOD_MS = 1000;
const MAX_DELETED = 4096;
const CHANGES = OPEN.write | OPEN.append | OPEN.truncate | OPEN.create;

/** What stood at the names of a request before its effect. Weights are those of Replacements. */
export type Before = {
  readonly isOld: boolean;
  readonly weight: number;
  /** Of a rename: what it replaces. */
  readonly replacedWeight: number;
  /** Nothing stands where it will make something. */
  readonly makes: boolean;
};

export type StormParts = {
  readonly settings: StormSettings;
  readonly disk: StormDisk;
  /** Whole milliseconds that never go backwards. */
  now(): number;
  /** Says whether the run itself may write this program: then its name proves nothing. */
  mayWrite(path: string): boolean;
  /** Stops the run. */
  open(cause: Cause): void;
};

const NOTHING_THERE: Before = { isOld: false, weight: 0, replacedWeight: 0, makes: true };

/**
 * The breakers of one run. They see each request before and after its effect, and stop the run when it makes a storm. Deletes,
 * renames and replacements count for regular files from before the run that no tool makes again; deletes and renames by git do not,
 * which keeps what it takes away.
 */
export class Storms {
  readonly #parts: StormParts;
  readonly #breakers: { readonly [storm in Storm]: Breaker };
  readonly #replacements: Replacements;
  readonly #programs = new Map<number, { readonly atMs: number; readonly isGit: boolean }>();
  /** Old names that were deleted: one that is made again is no loss. */
  readonly #deleted = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: StormParts) {
    this.#parts = parts;
    const { settings } = parts;
    const breaker = (storm: Storm): [Storm, Breaker] => [storm, new Breaker(storm, settings[storm])];
    this.#breakers = Object.fromEntries(STORMS.map(breaker)) as { [storm in Storm]: Breaker };
    this.#replacements = new Replacements(settings.entropy.count, settings.entropy.windowMs);
  }

  /** To be called before the effect; null: nothing that a breaker cares for. */
  before(request: Request): Before | null {
    switch (request.op) {
      case "open":
        if ((request.flags & CHANGES) === 0 || (request.flags & OPEN.temporary) !== 0) return null;
        if ((request.flags & OPEN.exclusive) !== 0) return NOTHING_THERE;
        return this.#standing(request.path);
      case "commit":
      case "truncate":
        return this.#standing(request.path);
      case "unlink":
        return request.kind === "file" ? this.#standing(request.path) : null;
      case "rename": {
        const from = this.#standing(request.from);
        const to = this.#standing(request.to);
        return { isOld: from.isOld, weight: from.weight, replacedWeight: to.weight, makes: true };
      }
      default:
        return null;
    }
  }

  /** To be called when it has its outcome. */
  after(before: Before | null, request: Request, caller: Caller, outcome: Outcome): void {
    const nowMs = this.#parts.now();
    if (outcome.kind === "denied") return;
    if (outcome.kind === "failed") {
      const errno = errnoName(outcome.errno);
      if (MACHINE_ERRORS.has(errno)) this.#count("errors", nowMs, 1, () => `the last one ${errno}`);
      return;
    }
    this.#breakers.errors.good(nowMs);
    if (before === null) return;
    if (request.op === "unlink") this.#deletes(before, request.path, caller, nowMs);
    else if (request.op === "rename") this.#renames(before, request.from, request.to, caller, nowMs);
    else if ("path" in request) this.#writes(before, request.path, nowMs);
  }

  /** A denial that a person is told of. */
  denied(rule: string, path: string): void {
    // ps(1) tries each process of the machine.
    if (rule === "process.others") return;
    this.#count("denials", this.#parts.now(), 1, () => `the last one ${printable(path)} by rule ${rule}`);
  }

  /** The run goes on: what was open bears less for a while, what is disarmed leaves it alone. */
  resumed(disarmed: readonly string[]): void {
    for (const breaker of Object.values(this.#breakers)) {
      if (disarmed.includes(breaker.name)) breaker.disarm();
      else breaker.halfOpen(this.#parts.now());
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #standing(path: string): Before {
    const { disk, now } = this.#parts;
    if (isMadeAgain(path)) return NOTHING_OF_INTEREST;
    const standing = disk.standing(path);
    if (standing === "nothing") return NOTHING_THERE;
    if (standing === "other") return NOTHING_OF_INTEREST;
    const looks = (): Looks => disk.looks(path);
    const weight = this.#replacements.weigh(looks, now());
    return { isOld: true, weight, replacedWeight: 0, makes: false };
  }

  #deletes(before: Before, path: string, caller: Caller, nowMs: number): void {
    if (!before.isOld) return;
    this.#lost(path, before.weight, null, nowMs);
    if (this.#isGit(caller.pid, nowMs)) return;
    if (this.#deleted.size < MAX_DELETED) this.#deleted.add(path);
    this.#count("deletes", nowMs, 1, () => `the last one ${printable(path)}`);
  }

  #renames(before: Before, from: string, to: string, caller: Caller, nowMs: number): void {
    this.#lost(to, before.replacedWeight, null, nowMs);
    if (!before.isOld) {
      this.#makes(to, nowMs);
      return;
    }
    this.#lost(from, before.weight, to, nowMs);
    const suffix = this.#replacements.renamed(from, to, nowMs);
    if (suffix !== null) {
      const { count } = this.#parts.settings.entropy;
      const reason = `${3 * count} files got ".${printable(suffix)}" behind their names`;
      this.#count("entropy", nowMs, count, null, reason);
    }
    if (this.#isGit(caller.pid, nowMs)) return;
    this.#count("renames", nowMs, 1, () => `the last one ${printable(from)}`);
  }

  #writes(before: Before, path: string, nowMs: number): void {
    if (before.makes) this.#makes(path, nowMs);
    else if (before.isOld) this.#lost(path, before.weight, null, nowMs);
  }

  #makes(path: string, nowMs: number): void {
    if (this.#deleted.delete(path)) this.#breakers.deletes.forgive();
    this.#replacements.made(path, nowMs);
  }

  #lost(path: string, weight: number, successor: string | null, nowMs: number): void {
    this.#replacements.lost(path, weight, successor, nowMs);
    if (this.#timer !== undefined || this.#replacements.isEmpty) return;
    this.#timer = setInterval(() => this.judge(), JUDGE_EVERY_MS);
    this.#timer.unref();
  }

  /** Looks at what was written a moment ago, where enough was lost that it may be a storm. Called by itself every 250 ms. */
  judge(when: "settled" | "at once" = "settled"): void {
    const { disk } = this.#parts;
    const nowMs = this.#parts.now();
    const { count, path } = this.#replacements.judge((path) => disk.looks(path), nowMs, when);
    if (count > 0) this.#count("entropy", nowMs, count, () => `the last one ${printable(path)}`);
    if (!this.#replacements.isEmpty) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #opensEntropy(): boolean {
    const before = this.#breakers.entropy.state;
    this.judge("at once");
    return before !== "open" && this.#breakers.entropy.state === "open";
  }

  #count(storm: Storm, nowMs: number, weight: number, last: (() => string) | null, said = ""): void {
    const breaker = this.#breakers[storm];
    if (breaker.failed(nowMs, weight) === "same") return;
    // Of two causes the person is told the worse one, which has stopped the run by then.
    if ((storm === "deletes" || storm === "renames") && this.#opensEntropy()) return;
    const seconds = Math.round(breaker.settings.windowMs / 1000);
    const counted = `${breaker.bad} ${STORM_WORDS[storm]} within ${seconds} s`;
    const reason = last === null ? said : `${counted}, ${last()}`;
    this.#parts.open({ by: "breaker", breaker: storm, reason });
  }

  /** What git takes out of a tree is in its objects. A program that the run may write is not believed. */
  #isGit(pid: number, nowMs: number): boolean {
    const known = this.#programs.get(pid);
    if (known !== undefined && nowMs - known.atMs < PROGRAM_GOOD_MS) return known.isGit;
    if (this.#programs.size >= MAX_PROGRAMS) this.#programs.clear();
    const { disk, mayWrite } = this.#parts;
    const program = disk.programOf(pid);
    const isGit = program.endsWith("/git") && !mayWrite(program);
    this.#programs.set(pid, { atMs: nowMs, isGit });
    return isGit;
  }
}

const NOTHING_OF_INTEREST: Before = { isOld: false, weight: 0, replacedWeight: 0, makes: false };
