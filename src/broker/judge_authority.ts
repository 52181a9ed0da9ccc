import { ERRNO } from "../platform/errno.ts";
import type { Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { SOCKETS_OWN } from "./judge_socket.ts";
import { denied, type Judgement } from "./judgement.ts";
import { asSelf } from "./own_process.ts";
import type { Session } from "./session.ts";
import type { Authority } from "./tokens/authority.ts";

/** Holds what the profile allows against the tokens of the session; a socket that the session has bound is its own. */
export function judgeAuthority(
  allowed: Extract<Judgement, { kind: "allow" }>,
  request: Request,
  caller: Caller,
  session: Session,
): Judgement {
  const own = session.authority;
  const narrowed = own === undefined ? allowed : narrowedBy(own, allowed, request, caller, session);
  if (request.op !== "exec" || request.handle === undefined || narrowed.kind === "deny") return narrowed;
  const lent = session.agents?.authorityOf(request.handle, session) ?? null;
  if (lent === null) return denied(request.path, NO_HANDLE, 0, EBADF);
  const end = lent.end();
  if (end !== null) return { ...denied(request.path, end, 0), capability: lent.id };
  return narrowedBy(lent, narrowed, request, caller, session);
}

const EBADF = ERRNO["EBADF"]!;
const NO_HANDLE = {
  id: "session.handle",
  reason: "the session has presented nothing that has this handle, or it has ended",
  remedy: "present the token again",
};

function narrowedBy(
  authority: Authority,
  allowed: Extract<Judgement, { kind: "allow" }>,
  request: Request,
  caller: Caller,
  session: Session,
): Judgement {
  if (allowed.rule === SOCKETS_OWN) return allowed;
  const narrowed = authority.narrow(asSelf(request, caller, session));
  if (narrowed.kind === "deny") return { ...narrowed, capability: authority.id };
  if (narrowed.held === null) return allowed;
  const { account, capability } = narrowed.held;
  const used = { ...allowed, capability: capability.id };
  return account === null ? used : { ...used, account };
}
