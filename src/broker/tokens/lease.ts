import type { CapabilityChain } from "../../policy/capability/capability.ts";
import type { Instant } from "./clock.ts";

/** How long a chain is good for: no longer than its shortest link, by either clock. */
export type Lease = {
  readonly notBeforeMs: number;
  readonly expiresMs: number;
  /** Of the boot clock: fixed when the session opens, so that a wall clock that is set back extends nothing. */
  readonly deadlineBootMs: number;
};

export type LeaseState = "good" | "not yet" | "expired";

export function leaseOf(chain: CapabilityChain, now: Instant): Lease {
  const notBeforeMs = Math.max(...chain.map((one) => one.notBeforeMs));
  const expiresMs = Math.min(...chain.map((one) => one.expiresMs));
  return { notBeforeMs, expiresMs, deadlineBootMs: now.bootMs + Math.max(0, expiresMs - now.wallMs) };
}

export function leaseState(lease: Lease, now: Instant): LeaseState {
  if (now.wallMs >= lease.expiresMs || now.bootMs >= lease.deadlineBootMs) return "expired";
  return now.wallMs < lease.notBeforeMs ? "not yet" : "good";
}
