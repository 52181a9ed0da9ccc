import { ERRNO } from "../../platform/errno.ts";
import type { DiscardRequest } from "../../protocol/message.ts";
import { DONE, type Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";

/** Gives a transaction up: nothing of it was ever to be seen. */
export function discard({ path, transaction }: DiscardRequest, { transactions }: Session): Outcome {
  if (transactions.find(transaction, path) === null) return { kind: "failed", errno: ERRNO["EINVAL"]! };
  transactions.end(transaction);
  return DONE;
}
