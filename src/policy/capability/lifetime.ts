import type { Capability } from "./capability.ts";
import { type Proof, WITHIN, wider } from "./proof.ts";

type Lifetime = Pick<Capability, "issuedMs" | "notBeforeMs" | "expiresMs">;

/** Whether `timeMs` lies in its life; the last millisecond is the one before `expiresMs`. */
export function checkLifetime({ notBeforeMs, expiresMs }: Lifetime, timeMs: number): boolean {
  return timeMs >= notBeforeMs && timeMs < expiresMs;
}

export function lifetimeSubsumes(parent: Lifetime, child: Lifetime): Proof {
  if (child.expiresMs > parent.expiresMs) return later("expires_at", child.expiresMs, parent.expiresMs);
  if (child.notBeforeMs < parent.notBeforeMs)
    return earlier("not_before", child.notBeforeMs, parent.notBeforeMs);
  // One that was made before its parent was not made from it.
  if (child.issuedMs < parent.issuedMs) return earlier("issued_at", child.issuedMs, parent.issuedMs);
  return WITHIN;
}

function later(field: string, child: number, parent: number): Proof {
  return wider(
    field,
    `is ${text(child)}, and the parent has ${text(parent)}`,
    "write that time or an earlier one",
  );
}

function earlier(field: string, child: number, parent: number): Proof {
  return wider(
    field,
    `is ${text(child)}, and the parent has ${text(parent)}`,
    "write that time or a later one",
  );
}

function text(ms: number): string {
  return new Date(ms).toISOString();
}
