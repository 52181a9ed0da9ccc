import { Backends } from "../../limits/backends.ts";
import { hostName } from "../../policy/host_name.ts";
import { formatIp, parseIp, unmapped } from "../../policy/ip_address.ts";
import type { NetworkRule } from "../../policy/network.ts";
import type { SlowPath } from "../cedar/slow_path.ts";
import type { Containment } from "../containment.ts";
import { limitRule } from "../limit_denial.ts";
import type { RunQuotas } from "../quotas.ts";
import type { FlowTarget } from "./flow_log.ts";

export type FlowGateParts = {
  readonly profile: string;
  readonly quotas: Pick<RunQuotas, "host"> | null;
  readonly containment: Pick<Containment, "held"> | null;
  readonly cedar: Pick<SlowPath, "connect"> | null;
};

/**
 * What stands before a connection that the rules grant: the state of the run, Cedar policies on hosts, its quota of hosts, and the
 * breaker of the backend.
 */
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
    const { quotas, profile, cedar } = this.#parts;
    const forbidden = cedar?.connect(plainHost(host), port) ?? null;
    if (forbidden !== null) return forbidden;
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

/** One spelling for each host, so that none gets round a policy. */
export function plainHost(host: string): string {
  const address = parseIp(host);
  return address === null ? (hostName(host) ?? host) : formatIp(unmapped(address));
}
