import { accessSync, closeSync, constants, openSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type ProgramEnd, programEnd } from "../client/program.ts";
import { errnoName } from "../platform/errno.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { Denial, ExecRequest } from "../protocol/message.ts";
import type { Calls } from "./calls.ts";
import { uvNumber } from "./node_error.ts";

/** What `child_process` hands to the functions below it; the same for those that wait and those that do not. */
export type SpawnOptions = {
  readonly file: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly envPairs?: readonly string[];
  readonly stdio?: readonly Stdio[];
  readonly detached?: boolean;
  readonly uid?: number;
  readonly gid?: number;
};
export type Stdio = {
  readonly type: string;
  readonly fd?: number;
  readonly handle?: object;
  readonly ipc?: boolean;
  readonly input?: Uint8Array | null;
};

/** A started program: ours of each pipe (-1: none), and the socket on which the broker says how it ends. */
export type Started = { readonly pid: number; readonly pipes: readonly number[]; readonly end: number };
/** `number` is libuv's. */
export type Refused = { readonly number: number; readonly denial: Denial | null };

/** Each program that the broker starts holds one of the 64 channels of its run as long as it lives. */
const MAX_BROKERED = 16;
const STANDARD = 3;
/** chdir(2) to it is ENOTDIR. */
const NO_DIRECTORY = "/dev/null/none";
const ESRCH = uvNumber("ESRCH");
type Kill = (pid: number, signal: number) => number;
/** Node's own, before it is replaced. */
export const kernelKill: Kill = (process as unknown as { _kill: Kill })._kill;
const UMASK = process.umask();

/**
 * Starts programs by the broker where that shows no difference to the program that asked, which is then decided on and on record. Everything else
 * the kernel starts as before, under the same floor.
 */
export class Starter {
  readonly #calls: Calls;
  #alive = 0;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  get calls(): Calls {
    return this.#calls;
  }

  /** null: the kernel is to start it, and to say what is wrong. */
  start(options: SpawnOptions): Started | Refused | null {
    const stdio = standardOf(options);
    if (stdio === null || this.#alive >= MAX_BROKERED) return null;
    const request = requestOf(options);
    return request === null ? null : this.#ask(request, stdio);
  }

  /** Our ends of pipes that nobody holds at the other end. */
  endedPipes({ stdio = [] }: SpawnOptions): readonly number[] {
    const { binding } = this.#calls;
    return stdio.map((one) => {
      const made = isPipe(one) ? binding.streamPair() : -1;
      if (typeof made === "number") return -1;
      binding.closeFd(made[1]);
      return made[0];
    });
  }

  /** To be called when one that was started has ended. */
  ended(): void {
    this.#alive--;
  }

  /**
   * Why the floor refuses what the kernel was to start; null where the broker has no rule to tell. The broker is asked to start it in a
   * directory that is none: it decides, records, and starts nothing.
   */
  denialOf(options: SpawnOptions): Denial | null {
    const request = options.uid == null && options.gid == null ? requestOf(options) : null;
    if (request === null) return null;
    const nothing = [0, 1, 2].map(() => ({ type: "ignore" }));
    const said = this.#ask({ ...request, cwd: NO_DIRECTORY }, nothing);
    if (said !== null && "pid" in said) throw new Error(`A program has started in ${NO_DIRECTORY}`);
    return said?.denial ?? null;
  }

  /** 0, or libuv's number. Only of what is there is the broker asked: of anything else it says that it is a stranger. */
  signal(pid: number, signal: number): number {
    if (!this.isThere(pid)) return ESRCH;
    try {
      this.#calls.ask({ op: "kill", pid, signal });
      return 0;
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      return error.code === "GONE" || !this.isThere(pid) ? ESRCH : uvNumber(error.errno);
    }
  }

  isThere(pid: number): boolean {
    return kernelKill(pid, 0) !== ESRCH;
  }

  #ask(request: ExecRequest, stdio: readonly Stdio[]): Started | Refused | null {
    const { binding } = this.#calls;
    const theirs: number[] = [];
    const passed: number[] = [];
    const ours: number[] = [];
    let started: Started | null = null;
    try {
      for (const [index, one] of [...stdio, { type: "pipe" } as Stdio].entries()) {
        const made = isPipe(one) ? binding.streamPair() : null;
        if (typeof made === "number") throw new SallyportError("SYSTEM", "", { errno: errnoName(-made) });
        ours.push(made === null ? -1 : made[0]);
        const own = made?.[1] ?? (one.type === "ignore" ? openSync("/dev/null", "r+") : -1);
        if (own >= 0) theirs.push(own);
        passed.push(own >= 0 ? own : (one.fd ?? (one.handle as { fd?: number } | undefined)?.fd ?? index));
      }
      const { value } = this.#calls.ask(request, passed);
      const { pid } = value as { pid: number };
      this.#alive++;
      started = { pid, pipes: ours.slice(0, STANDARD), end: ours[STANDARD]! };
      return started;
    } catch (error) {
      if (!(error instanceof SallyportError)) {
        // No descriptor is left for /dev/null: the kernel says so too. Anything else is a fault of ours.
        if ((error as NodeJS.ErrnoException).syscall === "open") return null;
        throw error;
      }
      if (error.denial !== undefined) return { number: uvNumber(error.errno), denial: error.denial };
      // Perhaps it was started: to start it once more is the one thing that must not be done.
      if (error.outcome === "unknown") return { number: uvNumber("EIO"), denial: null };
      return null;
    } finally {
      for (const fd of theirs) closeSync(fd);
      if (started === null) for (const fd of ours) if (fd >= 0) binding.closeFd(fd);
    }
  }
}

/**
 * Has the kernel start it. libuv opens /dev/null for what is ignored in the child, where only the floor is asked, and that grants no writing:
 * so it is opened here.
 */
export function startPlainly<T>(options: SpawnOptions, start: (options: SpawnOptions) => T): T {
  const isNothing = ({ type }: Stdio, index: number): boolean => type === "ignore" && index < STANDARD;
  if (!options.stdio?.some(isNothing)) return start(options);
  const nothing = openNothing();
  if (nothing < 0) return start(options);
  try {
    const given = (one: Stdio, index: number): Stdio =>
      isNothing(one, index) ? { type: "fd", fd: nothing } : one;
    return start({ ...options, stdio: options.stdio.map(given) });
  } finally {
    closeSync(nothing);
  }
}

export function isPipe({ type }: Stdio): boolean {
  return type === "pipe" || type === "overlapped";
}

function openNothing(): number {
  try {
    return openSync("/dev/null", "r+");
  } catch {
    return -1;
  }
}

/** The first three; null for what a program of the broker's would not be: a leader of its own, another user, one with more descriptors. */
function standardOf({ stdio, detached, uid, gid }: SpawnOptions): readonly Stdio[] | null {
  if (detached || uid != null || gid != null || process.umask() !== UMASK) return null;
  if (stdio === undefined || stdio.length > STANDARD || stdio.some(({ ipc }) => ipc)) return null;
  return [0, 1, 2].map((index) => stdio[index] ?? { type: "ignore" });
}

function requestOf({ file, args, cwd, envPairs }: SpawnOptions): ExecRequest | null {
  const env = envPairs ?? Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const place = resolve(cwd ?? ".");
  const path = programPath(file, place, env);
  return path === null ? null : { op: "exec", path, argv: args ?? [file], env, cwd: place };
}

/** As execvp(3) looks for it, with the child's PATH; null: not there, or no program. */
function programPath(file: string, cwd: string, env: readonly string[]): string | null {
  if (file === "") return null;
  const list = env.find((pair) => pair.startsWith("PATH="))?.slice("PATH=".length) ?? "/bin:/usr/bin";
  const places = file.includes("/") ? [""] : list.split(":").map((place) => place || ".");
  for (const place of places) {
    const path = resolve(cwd, place, file);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // The next one.
    }
  }
  return null;
}

/** Of the four bytes that the broker sends; without them the run has ended, and what was in it was killed. */
export function endOf(bytes: Uint8Array): ProgramEnd {
  if (bytes.length !== 4) return { exitCode: null, signal: "SIGKILL" };
  return programEnd(Buffer.from(bytes).readInt32LE());
}
