/**
 * A breaker for each place that a run depends on, as a host is: one that keeps failing is left alone for a while, then tried once. The
 * clock is given, in milliseconds. Bounded: the one that failed longest ago is forgotten first.
 */

export type BackendSettings = {
  /** Failures in a row, none longer than `windowMs` after the one before. */
  readonly count: number;
  readonly windowMs: number;
  /** How long it is left alone. */
  readonly restMs: number;
  readonly capacity: number;
};

/** A program that waits for a server to come up may ask twice a second without meeting it. */
export const DEFAULT_BACKENDS: BackendSettings = { count: 20, windowMs: 2000, restMs: 2000, capacity: 256 };

type Backend = { failures: number; lastMs: number; openUntilMs: number; isTrying: boolean };

export class Backends {
  readonly #settings: BackendSettings;
  readonly #failing = new Map<string, Backend>();

  constructor(settings: BackendSettings = DEFAULT_BACKENDS) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#failing.size;
  }

  /** 0: go on; else the milliseconds until it is tried again. Whoever is let through must call `succeeded` or `failed`. */
  admit(name: string, nowMs: number): number {
    const backend = this.#failing.get(name);
    if (backend === undefined || backend.openUntilMs === 0) return 0;
    if (nowMs < backend.openUntilMs) return backend.openUntilMs - nowMs;
    // Half-open: one alone finds out.
    if (backend.isTrying) return this.#settings.restMs;
    backend.isTrying = true;
    return 0;
  }

  succeeded(name: string): void {
    this.#failing.delete(name);
  }

  failed(name: string, nowMs: number): void {
    const { count, windowMs, restMs, capacity } = this.#settings;
    const known = this.#failing.get(name);
    const isNew = known === undefined || (known.openUntilMs === 0 && nowMs - known.lastMs > windowMs);
    const backend = isNew ? { failures: 0, lastMs: 0, openUntilMs: 0, isTrying: false } : known;
    backend.failures++;
    backend.lastMs = nowMs;
    if (backend.isTrying || backend.failures >= count) backend.openUntilMs = nowMs + restMs;
    backend.isTrying = false;
    this.#failing.delete(name);
    if (this.#failing.size >= capacity)
      for (const oldest of this.#failing.keys()) {
        this.#failing.delete(oldest);
        break;
      }
    this.#failing.set(name, backend);
  }
}
