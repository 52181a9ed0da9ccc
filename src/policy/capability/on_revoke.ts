import type { OnRevoke } from "./capability.ts";

/** From mild to strict. */
export const ON_REVOKE: readonly OnRevoke[] = ["refuse", "freeze", "kill"];

export function onRevokeSubsumes(parent: OnRevoke, child: OnRevoke): boolean {
  return ON_REVOKE.indexOf(child) >= ON_REVOKE.indexOf(parent);
}
