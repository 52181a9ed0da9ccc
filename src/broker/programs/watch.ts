import { readlinkSync } from "node:fs";
import { binding } from "../../platform/binding.ts";
import { ERRNO } from "../../platform/errno.ts";
import { basename } from "../../policy/path.ts";
import type { Execution } from "../../policy/profile.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { SlowPath } from "../cedar/slow_path.ts";
import { refusal } from "../denial.ts";
import type { RunLog } from "../run_log.ts";
import { kindByName } from "./interpreters.ts";
import type { ProgramTable } from "./program_table.ts";

const MAX_PENDING = 4096;

/** "executions seen", or why they are not; "" where nobody asked. */
export type WatchFacts = string;

/**
 * Puts this thread into mounts of its own, so that what is held up later are the executions of the run alone: a broker that is slow, stopped
 * or gone keeps nobody else waiting. Before the launcher starts, which is born in them. Throws SETUP where the profile requires it.
 */
export function enterWatch(watch: Execution["watch"]): WatchFacts {
  if (watch === "off") return "";
  try {
    binding.enterOwnMounts();
    return SEEN;
  } catch (error) {
    return notSeen(watch, error);
  }
}

const SEEN = "executions seen";

/** Starts to hold up executions. Needs the authority that the broker lays down afterwards. */
export function startWatch(
  facts: WatchFacts,
  watch: Execution["watch"],
  programs: ProgramTable,
  log: RunLog,
  cedar: Pick<SlowPath, "execute"> | null,
): { readonly facts: WatchFacts; close(): void } {
  if (facts !== SEEN) return { facts, close: () => {} };
  const seen = new Executions(programs, log, cedar);
  try {
    const handle = binding.startExecutionWatch((fd, pid) => seen.decide(fd, pid));
    return { facts, close: () => handle.close() };
  } catch (error) {
    return { facts: notSeen(watch, error), close: () => {} };
  }
}

/** Goes back to the mounts of before. Needs the authority of before. */
export function leaveWatch(facts: WatchFacts): void {
  if (facts === SEEN) binding.leaveOwnMounts();
}

function notSeen(watch: Execution["watch"], error: unknown): WatchFacts {
  const { syscall = "fanotify", code = "ENOSYS" } = error as { syscall?: string; code?: string };
  if (watch === "where-possible") return `executions not seen (${syscall}: ${code})`;
  throw new SallyportError(
    "SETUP",
    `Cannot see the executions of the run, which execution.watch or a Cedar policy on execute requires: ${syscall} failed: ${code}; run as root, or write where-possible`,
    { errno: code, stage: "watch" },
  );
}

/** Judges each execution on the file that the kernel is about to run, and records it. */
class Executions {
  readonly #programs: ProgramTable;
  readonly #log: RunLog;
  readonly #cedar: Pick<SlowPath, "execute"> | null;
  /** Processes whose next file is the loader of the one before. */
  readonly #loading = new Set<number>();

  constructor(programs: ProgramTable, log: RunLog, cedar: Pick<SlowPath, "execute"> | null) {
    this.#cedar = cedar;
    this.#programs = programs;
    this.#log = log;
  }

  decide(fd: number, pid: number): boolean {
    const path = readlinkSync(`/proc/self/fd/${fd}`);
    // Seen with every program. What it may do when it is executed by itself the floor and the broker decide.
    if (kindByName(basename(path)) === "loader" && this.#loading.delete(pid)) return true;
    const { verdict, owner, sha256 } = this.#programs.judgeOpened(fd, path);
    const looked = {
      seen: "fanotify",
      ...(owner === null ? {} : { owner }),
      ...(sha256 === null ? {} : { sha256 }),
    };
    const refused =
      verdict.kind === "deny" && verdict.rule.id !== "execution.loader"
        ? verdict.rule
        : (this.#cedar?.execute(path, () => sha256 ?? this.#programs.digest(path, fd)) ?? null);
    if (refused !== null) {
      this.#log.refusedExecution(pid, refusal("exec", path, refused), ERRNO["EPERM"]!, looked);
      return false;
    }
    const rule = verdict.kind === "allow" ? verdict.rule : this.#programs.placeRule(path);
    this.#log.execution(pid, path, rule, looked);
    if (this.#loading.size < MAX_PENDING) this.#loading.add(pid);
    return true;
  }
}
