import { Backends } from "../../limits/backends.ts";
import type { NetworkRule } from "../../policy/network.ts";
import type { Containment } from "../containment.ts";
import { limitRule } from "../limit_denial.ts";
import type { RunQuotas } from "../quotas.ts";
import type { FlowTarget } from "./flow_log.ts";

export type FlowGateParts = {
  readonly profile: string;
  readonly quotas: Pick<RunQuotas, "host"> | null;
  readonly containment: Pick<Containment, "held"> | null;
};

/** What stands before a connection that the rules grant: the state of the run, its quota of hosts, and the breaker of the backend. */
export class FlowGate {
  readonly #parts: FlowGateParts;
  readonly #backends = new Backends();
  readonly #epoch = performance.now();

  constructor(parts: FlowGateParts) {
    this.#parts = parts;
  }

  /** Waits while the run is frozen. */
  async open(): Promise<void> {
    for (let held = this.#held; held !== null; held = this.#held) await held;
  }

  /** A rule that refuses it, or null: then `came` must be called. */
  admit({ host, port }: FlowTarget): NetworkRule | null {
    const { quotas, profile } = this.#parts;
    const refusal = quotas?.host(host) ?? null;
    if (refusal !== null) return limitRule(refusal, profile);
    const waitMs = this.#backends.admit(`${host}:${port}`, this.#nowMs());
    if (waitMs === 0) return null;
    return {
      id: "breaker.backend",
      reason: `${host}:${port} has failed again and again, and is left alone for a while`,
      remedy: `Try again in ${Math.ceil(waitMs)} ms`,
      retryAfterMs: waitMs,
    };
  }

  /** What became of it. */
  came({ host, port }: FlowTarget, how: "connected" | "failed"): void {
    if (how === "connected") this.#backends.succeeded(`${host}:${port}`);
    else this.#backends.failed(`${host}:${port}`, this.#nowMs());
  }

  get #held(): Promise<void> | null {
    return this.#parts.containment?.held ?? null;
  }

  #nowMs(): number {
    return Math.floor(performance.now() - this.#epoch);
  }
}
