import { ERRNO } from "../platform/errno.ts";
import type { KillRequest } from "../protocol/message.ts";
import { denied, type Judgement } from "./judgement.ts";
import { belongsToRun } from "./own_process.ts";
import type { Session } from "./session.ts";

const EPERM = ERRNO["EPERM"]!;
const OWN = "process.own";
const OTHERS = { id: "process.others", reason: "it is no process of this run" };

/** Decides a signal by whom it is for. What became of the number since is looked at again when it is sent. */
export function judgeKill({ pid }: KillRequest, session: Session): Judgement {
  return belongsToRun(pid, session) ? { kind: "allow", rule: OWN } : denied(String(pid), OTHERS, 0, EPERM);
}
