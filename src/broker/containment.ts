import type { NativeFrozen, NativeLauncher } from "../platform/binding.ts";
import { SallyportError } from "../protocol/errors.ts";

/** What ends a run that was killed, or that nobody resumed: no exit status of a program means this. */
export const EXIT_CONTAINED = 123;

/** Why a run is stopped or ended: whose doing, and one line for a person. */
export type Cause = {
  readonly by: "breaker" | "quota" | "person" | "revocation" | "time";
  readonly reason: string;
  /** Of a breaker or a quota: its name. */
  readonly breaker?: string;
};

/** What a person is told of, and what the log says, in the order in which it happens. */
export type ContainmentEvent =
  | ({ readonly kind: "frozen" } & Cause & NativeFrozen & { readonly tookMs: number })
  | { readonly kind: "resumed"; readonly by: Cause["by"]; readonly disarmed: readonly string[] }
  | ({ readonly kind: "killed" } & Cause);

export type ContainmentParts = {
  readonly run: string;
  readonly launcher: Pick<NativeLauncher, "freeze" | "thaw" | "end">;
  /** Writes it to the log of the run, before it happens; throws where that is impossible. */
  record(what: string, facts: Readonly<Record<string, string | number>>): void;
  /** Tells the person, once it has happened. */
  tell(event: ContainmentEvent): void;
  /** A frozen run that nobody resumes is ended after this time; null: it waits for good. */
  readonly endAfterMs: number | null;
};

export type ContainmentState = "running" | "frozen" | "ending";

/**
 * Stops one run whole, lets it go on, or ends it; whoever has a reason may call it (breakers, a person through the control socket, a
 * revocation). Event-loop thread. What happens is on record before it happens. While a run is frozen its processes are stopped
 * (SIGSTOP, by the launcher, also while they fork), nothing is launched, and requests that come in wait; one that had been decided
 * before goes to its end.
 */
export class Containment {
  readonly #parts: ContainmentParts;
  readonly #resumed: ((event: { readonly disarmed: readonly string[] }) => void)[] = [];
  #state: ContainmentState = "running";
  #cause: Cause | null = null;
  #since = 0;
  #frozen: Promise<NativeFrozen> | null = null;
  #gate: { readonly open: Promise<void>; release(): void } | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ContainmentParts) {
    this.#parts = parts;
  }

  get state(): ContainmentState {
    return this.#state;
  }

  /** Why it is frozen or was ended; null while it runs. */
  get cause(): Cause | null {
    return this.#cause;
  }

  /** Milliseconds since the epoch at which the state began; 0 while it has never changed. */
  get since(): number {
    return this.#since;
  }

  /** How the run ends because of this, or null. */
  get ending(): { readonly exitCode: number; readonly outcome: string } | null {
    if (this.#state !== "ending" || this.#cause === null) return null;
    return { exitCode: EXIT_CONTAINED, outcome: `ended by ${this.#cause.by}: ${this.#cause.reason}` };
  }

  /** What a request has to wait for before it is looked at; null: nothing. Settles as well when the run ends. */
  get held(): Promise<void> | null {
    return this.#gate === null ? null : this.#gate.open;
  }

  /**
   * Stops every process. Gives how many there were, and how many had not stopped yet when the launcher gave up, after two seconds. A run that is
   * frozen stays so, with its first cause. Rejects with GONE when the run is ending.
   */
  freeze(cause: Cause): Promise<NativeFrozen> {
    if (this.#frozen !== null) return this.#frozen;
    if (this.#state === "ending") return Promise.reject(isEnding("freeze", this.#parts.run));
    this.#parts.record("frozen", facts(cause));
    this.#enter("frozen", cause);
    this.#gate = gate();
    const { launcher, tell, endAfterMs } = this.#parts;
    const started = performance.now();
    this.#frozen = new Promise((resolve, reject) => {
      launcher.freeze((failure, frozen) => {
        if (failure !== null || frozen === null) {
          reject(isEnding("freeze", this.#parts.run));
          return;
        }
        tell({ kind: "frozen", ...cause, ...frozen, tookMs: Math.round(performance.now() - started) });
        resolve(frozen);
      });
    });
    // Whoever does not wait for it must not lose the process to a rejection: the run is ending then.
    this.#frozen.catch(() => {});
    if (endAfterMs !== null) {
      this.#timer = setTimeout(() => {
        const seconds = Math.round(endAfterMs / 1000);
        this.kill({ by: "time", reason: `nobody resumed it within ${seconds} s after: ${cause.reason}` });
      }, endAfterMs);
    }
    return this.#frozen;
  }

  /**
   * Lets a frozen run go on. `disarmed` names breakers that are to leave the run alone from now on. Gives how many processes
   * there are, 0 where another call was faster; rejects with INVALID when it is not frozen, with GONE when it is ending.
   */
  async resume(by: Cause["by"], disarmed: readonly string[] = []): Promise<number> {
    const { run, launcher, record, tell } = this.#parts;
    if (this.#state === "running") {
      throw new SallyportError("INVALID", `Cannot resume run ${run}: it is not frozen`);
    }
    // A thaw that overtook its freeze would leave the run stopped.
    await this.#frozen;
    if (this.#state === "ending") throw isEnding("resume", run);
    if (this.#frozen === null) return 0;
    record("resumed", { by, disarmed: disarmed.join(", ") });
    clearTimeout(this.#timer);
    this.#enter("running", null);
    this.#frozen = null;
    for (const listener of this.#resumed) listener({ disarmed });
    this.#release();
    const processes = await new Promise<number>((resolve, reject) => {
      launcher.thaw((failure, thawed) => {
        if (failure !== null || thawed === null) reject(isEnding("resume", run));
        else resolve(thawed);
      });
    });
    tell({ kind: "resumed", by, disarmed });
    return processes;
  }

  /** Kills every process of the run: a frozen one as it stands, any other after a SIGTERM that nobody waits for. */
  kill(cause: Cause): void {
    if (this.#state === "ending") return;
    const { launcher, record, tell } = this.#parts;
    record("killed", facts(cause));
    clearTimeout(this.#timer);
    this.#enter("ending", cause);
    launcher.end(0);
    tell({ kind: "killed", ...cause });
  }

  /** `listener` is called before the run goes on. */
  onResume(listener: (event: { readonly disarmed: readonly string[] }) => void): void {
    this.#resumed.push(listener);
  }

  /** To be called when no process of the run is left: nothing is held or timed any more. */
  ended(): void {
    clearTimeout(this.#timer);
    this.#release();
  }

  #enter(state: ContainmentState, cause: Cause | null): void {
    this.#state = state;
    this.#cause = cause;
    this.#since = Date.now();
  }

  #release(): void {
    this.#gate?.release();
    this.#gate = null;
  }
}

function facts({ by, reason, breaker }: Cause): Readonly<Record<string, string>> {
  return { by, reason, ...(breaker === undefined ? {} : { breaker }) };
}

function gate(): { readonly open: Promise<void>; release(): void } {
  let release = (): void => {};
  const open = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { open, release };
}

function isEnding(verb: string, run: string): SallyportError {
  return new SallyportError("GONE", `Cannot ${verb} run ${run}: it is ending`);
}
