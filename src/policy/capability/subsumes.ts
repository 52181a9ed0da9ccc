import { budgetSubsumes } from "./budget.ts";
import type { Capability } from "./capability.ts";
import { delegationSubsumes } from "./delegation_depth.ts";
import { grantSubsumes } from "./grants.ts";
import { lifetimeSubsumes } from "./lifetime.ts";
import { onRevokeSubsumes } from "./on_revoke.ts";
import { type Proof, WITHIN, wider } from "./proof.ts";
import { subjectHolds } from "./subject.ts";

/** For all patterns of one step: some 20 ms. A holder may write what would take minutes. */
const MAX_EFFORT = 100_000;

/**
 * Whether `child` may be derived from `parent`: it lets nothing be done that the parent does not, at no time, by nobody else, no
 * more often. Decided by structure alone and sound: "within" is never wrong; "wider" may be said of a child that is not, where
 * only several grants of the parent together cover it. Patterns must parse, else INVALID is thrown.
 */
export function subsumes(parent: Capability, child: Capability): Proof {
  if (child.id === parent.id)
    return wider("capability_id", "is that of the parent", "give each capability an id of its own");
  if (!delegationSubsumes(parent.delegationDepth, child.delegationDepth)) {
    const left = parent.delegationDepth;
    return left === 0
      ? wider(
          "delegation_depth",
          "is 0 in the parent, which can not be handed on",
          "ask the issuer for one that can",
        )
      : wider(
          "delegation_depth",
          `is ${child.delegationDepth}, and the parent has ${left}`,
          `write at most ${left - 1}`,
        );
  }
  if (!subjectHolds(parent.subject, child.subject))
    return wider(
      "subject",
      `is ${JSON.stringify(child.subject)}, which is neither the parent's nor below it`,
      `write ${JSON.stringify(parent.subject)} or ${JSON.stringify(`${parent.subject}/NAME`)}`,
    );
  if (parent.run !== null && child.run !== parent.run)
    return wider(
      "run",
      `is ${JSON.stringify(child.run)}, and the parent is for ${JSON.stringify(parent.run)}`,
      "write the same run",
    );
  const life = lifetimeSubsumes(parent, child);
  if (life.kind === "wider") return life;
  const budget = budgetSubsumes(parent.budget, child.budget);
  if (budget.kind === "wider") return budget;
  if (!onRevokeSubsumes(parent.onRevoke, child.onRevoke))
    return wider(
      "on_revoke",
      `is "${child.onRevoke}", milder than the parent's`,
      `write "${parent.onRevoke}" or a stricter one`,
    );
  const effort = { left: MAX_EFFORT };
  for (const [at, grant] of child.grants.entries()) {
    const proof = grantSubsumes(parent.grants, grant, `actions[${at}]`, effort);
    if (proof.kind === "wider") return proof;
  }
  return WITHIN;
}
