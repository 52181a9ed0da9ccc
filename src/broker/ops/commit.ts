import { binding } from "../../platform/binding.ts";
import { ERRNO } from "../../platform/errno.ts";
import { look } from "../../platform/staging.ts";
import type { CommitRequest } from "../../protocol/message.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";
import type { Session } from "../session.ts";
import { isUnchanged } from "./replace.ts";

const EBUSY = ERRNO["EBUSY"]!;

/**
 * Puts the file of a transaction in its place. EBUSY: somebody still has it open or mapped, and could change it after it was looked
 * at; it stays open. ESTALE: what stands there is not what stood there when it began; EINVAL: there is none such. It is over then.
 */
export function commit({ path, transaction: number }: CommitRequest, { transactions }: Session): Outcome {
  const transaction = transactions.find(number, path);
  if (transaction === null) return { kind: "failed", errno: ERRNO["EINVAL"]! };
  const { draft, replaced } = transaction;
  // It has no name, or one that nobody can reach: who has not got it open by now never will.
  if (binding.fdIsHeldAlone(draft.fd) < 0) return { kind: "failed", errno: EBUSY };
  try {
    if (!isUnchanged(replaced, look(path))) return { kind: "failed", errno: ERRNO["ESTALE"]! };
    return outcomeOf(draft.put());
  } finally {
    transactions.end(number);
  }
}
