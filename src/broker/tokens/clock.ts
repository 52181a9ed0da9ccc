import { binding } from "../../platform/binding.ts";

/** What a lease is measured by. */
export type Clock = {
  /** Milliseconds since the epoch; whoever may set the clock sets it. */
  wallMs(): number;
  /** Milliseconds since the machine came up, suspended or not (CLOCK_BOOTTIME); nobody sets it. */
  bootMs(): number;
};

export const systemClock: Clock = { wallMs: Date.now, bootMs: () => binding.bootTimeMs() };

/** One reading of both. */
export type Instant = { readonly wallMs: number; readonly bootMs: number };

/**
 * Reads the clocks once for everything that is decided in one turn of the event loop: what comes in together is decided at the same
 * time, and a reading costs a third of a decision.
 */
export class BatchClock {
  readonly #clock: Clock;
  readonly #forget: () => void;
  #now: Instant | null = null;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#forget = () => {
      this.#now = null;
    };
  }

  now(): Instant {
    if (this.#now === null) {
      this.#now = { wallMs: this.#clock.wallMs(), bootMs: this.#clock.bootMs() };
      queueMicrotask(this.#forget);
    }
    return this.#now;
  }
}
