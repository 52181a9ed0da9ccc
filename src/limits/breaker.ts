/**
 * A circuit breaker: counts what went wrong, and what went well, in a window of ten slots, and opens when too much went wrong. The
 * clock is given: whole milliseconds from any start. One that goes backwards forgets nothing.
 */

const SLOTS = 10;
/** After it was opened a breaker bears a quarter of what it bore before, for the length of one window. */
const HALF_OPEN_SHARE = 4;

/** Opens at `count` within `windowMs`, where that is at least `share` (0 to 1) of everything counted there. */
export type BreakerSettings = {
  readonly count: number;
  readonly windowMs: number;
  readonly share: number;
};

export type BreakerState = "closed" | "open" | "half-open" | "disarmed";

export class Breaker {
  readonly name: string;
  readonly settings: BreakerSettings;
  readonly #slotMs: number;
  readonly #bad = new Float64Array(SLOTS);
  readonly #good = new Float64Array(SLOTS);
  #slot = 0;
  #badSum = 0;
  #goodSum = 0;
  #state: BreakerState = "closed";
  #probeEnds = 0;

  constructor(name: string, settings: BreakerSettings) {
    this.name = name;
    this.settings = settings;
    this.#slotMs = Math.max(1, Math.ceil(settings.windowMs / SLOTS));
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** What went wrong within the window that ended with the last count. */
  get bad(): number {
    return this.#badSum;
  }

  good(nowMs: number): void {
    this.#turn(nowMs);
    const at = this.#slot % SLOTS;
    this.#good[at] = this.#good[at]! + 1;
    this.#goodSum++;
  }

  /** "opened" once, when this was too much; a breaker that is open or disarmed only counts. */
  failed(nowMs: number, weight = 1): "opened" | "same" {
    this.#turn(nowMs);
    const at = this.#slot % SLOTS;
    this.#bad[at] = this.#bad[at]! + weight;
    this.#badSum += weight;
    if (this.#state === "half-open" && nowMs >= this.#probeEnds) this.#state = "closed";
    const { count, share } = this.settings;
    const bears = this.#state === "half-open" ? Math.ceil(count / HALF_OPEN_SHARE) : count;
    if (this.#state === "open" || this.#state === "disarmed" || this.#badSum < bears) return "same";
    if (this.#badSum < share * (this.#badSum + this.#goodSum)) return "same";
    this.#state = "open";
    return "opened";
  }

  /** Takes back what has turned out not to have gone wrong, as far as it is still in the window. */
  forgive(weight = 1): void {
    for (let back = 0, left = weight; back < SLOTS && left > 0 && this.#slot >= back; back++) {
      const at = (this.#slot - back) % SLOTS;
      const taken = Math.min(left, this.#bad[at]!);
      this.#bad[at] = this.#bad[at]! - taken;
      this.#badSum -= taken;
      left -= taken;
    }
  }

  /** One that is open lets through a smaller allowance from now on, and closes when a window has passed without too much. */
  halfOpen(nowMs: number): void {
    if (this.#state !== "open") return;
    this.#clear();
    this.#turn(nowMs);
    this.#state = "half-open";
    this.#probeEnds = nowMs + this.settings.windowMs;
  }

  /** It never opens again. */
  disarm(): void {
    this.#state = "disarmed";
  }

  #turn(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    // Also for what is no number.
    if (!(slot > this.#slot)) return;
    if (slot - this.#slot >= SLOTS) this.#clear();
    else {
      for (let at = this.#slot + 1; at <= slot; at++) {
        this.#badSum -= this.#bad[at % SLOTS]!;
        this.#goodSum -= this.#good[at % SLOTS]!;
        this.#bad[at % SLOTS] = 0;
        this.#good[at % SLOTS] = 0;
      }
    }
    this.#slot = slot;
  }

  #clear(): void {
    this.#bad.fill(0);
    this.#good.fill(0);
    this.#badSum = 0;
    this.#goodSum = 0;
  }
}
