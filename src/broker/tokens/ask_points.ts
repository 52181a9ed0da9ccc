import type { Capability, Grant } from "../../policy/capability/capability.ts";
import { formatNetworkGrant } from "../../policy/network.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { readPoints } from "../policy_points/decide.ts";

/**
 * Asks the policy points whether a capability may be handed out. Throws INVALID with the point that says no, or when one allows a
 * shorter life than it has.
 */
export async function askPoints(capability: Capability, home: string, uid: number): Promise<void> {
  const { id, subject, run, issuedMs, expiresMs, grants, delegationDepth } = capability;
  const lifetimeSeconds = Math.ceil((expiresMs - issuedMs) / 1000);
  const points = await readPoints(home, uid);
  const asked = await points.decide({
    occasion: "issue",
    agent: subject,
    resource: {
      id,
      attributes: {
        actions: [...new Set(grants.map(({ action }) => action))],
        paths: grants.flatMap(pathsOf),
        hosts: grants.flatMap(({ target }) =>
          target.kind === "host" ? [formatNetworkGrant(target.host)] : [],
        ),
        lifetimeSeconds,
        delegationDepth,
      },
    },
    context: { run: run ?? "", uid, nowMs: issuedMs },
  });
  if (asked.kind === "deny") throw refused(asked.reason, "ask whoever has set up the policy points");
  const { maxLifetimeSeconds: most } = asked;
  if (most !== null && lifetimeSeconds > most)
    throw refused(
      `it would live ${lifetimeSeconds} s, and the policy points allow ${most} s`,
      `use --expires ${most}s`,
    );
}

function pathsOf({ target }: Grant): string[] {
  return target.kind === "path" ? [target.pattern] : target.kind === "cells" ? [target.path] : [];
}

function refused(why: string, wayOut: string): SallyportError {
  return new SallyportError("INVALID", `Cannot make a token: ${why}; ${wayOut}`, { errno: "EACCES" });
}
