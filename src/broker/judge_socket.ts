import type { Target } from "../platform/platform.ts";
import { look } from "../platform/staging.ts";
import { decidePath } from "../policy/decide.ts";
import { RIGHT } from "../policy/rights.ts";
import { type ConnectUnixRequest, OPEN, type Stat } from "../protocol/message.ts";
import { deniedUnderOtherName } from "./denied_sockets.ts";
import { denied, type Judgement } from "./judgement.ts";
import type { Session } from "./session.ts";

export const SOCKETS_OWN = "sockets.own";

/**
 * Decides a connection to the socket `found` that lies at `path`: a rule grants or denies it by name, one that the run has bound
 * is its own, and one that a rule denies under another name stays denied. Without `found` the name alone is judged. `held` is what
 * `found` was told of: a descriptor, or the path.
 */
export function judgeSocket(path: string, found: Stat | null, held: Target, session: Session): Judgement {
  const { policy, platform } = session;
  const verdict = decidePath(policy, path, RIGHT.connect);
  if (verdict.kind === "deny") {
    const isOwn = verdict.rule === null && found !== null && session.ownSockets.has(found);
    return isOwn ? { kind: "allow", rule: SOCKETS_OWN } : denied(path, verdict.rule, verdict.missing);
  }
  const alias = found === null ? null : deniedUnderOtherName(found, changedMs(found, held), policy, platform);
  return alias === null ? { kind: "allow", rule: verdict.rule.id } : denied(path, alias, RIGHT.connect);
}

/** The same for a request: of a socket that is there, one look tells all. */
export function judgeConnect({ path }: ConnectUnixRequest, session: Session): Judgement {
  const { platform } = session;
  const held = platform.open(path, OPEN.pathOnly | OPEN.nofollow, 0, 0);
  if (held < 0) return judgeSocket(path, null, path, session);
  try {
    const found = platform.stat(held);
    return judgeSocket(path, typeof found === "number" ? null : found, held, session);
  } finally {
    platform.close(held);
  }
}

/** Of what cannot be told, or is something else by now: infinitely late. */
function changedMs(found: Stat, held: Target): number {
  const looked = look(held);
  if (typeof looked === "number" || looked.inode !== found.inode) return Number.POSITIVE_INFINITY;
  return looked.changed[0] * 1000 + looked.changed[1] / 1e6;
}
