import type { Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { SOCKETS_OWN } from "./judge_socket.ts";
import type { Judgement } from "./judgement.ts";
import { asSelf } from "./own_process.ts";
import type { Session } from "./session.ts";
import type { Authority } from "./tokens/authority.ts";

/** Holds what the profile allows against the tokens of the session; a socket that the session has bound is its own. */
export function judgeAuthority(
  allowed: Extract<Judgement, { kind: "allow" }>,
  request: Request,
  caller: Caller,
  session: Session,
  authority: Authority,
): Judgement {
  if (allowed.rule === SOCKETS_OWN) return allowed;
  const narrowed = authority.narrow(asSelf(request, caller, session));
  if (narrowed.kind === "deny") return { ...narrowed, capability: authority.id };
  return narrowed.held === null ? allowed : { ...allowed, capability: narrowed.held.capability.id };
}
