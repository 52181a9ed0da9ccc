import { decidePath } from "../policy/decide.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Stat } from "../protocol/message.ts";
import { deniedUnderOtherName } from "./denied_sockets.ts";
import { denied, type Judgement } from "./judgement.ts";
import type { Session } from "./session.ts";

const OWN = "sockets.own";

/**
 * Decides a connection to the socket `found` that lies at `path`: a rule grants or denies it by name, one that the run has bound
 * is its own, and one that a rule denies under another name stays denied. Without `found` the name alone is judged.
 */
export function judgeSocket(path: string, found: Stat | null, session: Session): Judgement {
  const { policy, platform } = session;
  const verdict = decidePath(policy, path, RIGHT.connect);
  if (verdict.kind === "deny") {
    const isOwn = verdict.rule === null && found !== null && session.ownSockets.has(found);
    return isOwn ? { kind: "allow", rule: OWN } : denied(path, verdict.rule, verdict.missing);
  }
  const alias = found === null ? null : deniedUnderOtherName(found, policy, platform);
  return alias === null ? { kind: "allow", rule: verdict.rule.id } : denied(path, alias, RIGHT.connect);
}
