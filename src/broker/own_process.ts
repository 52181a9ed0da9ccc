import type { Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import type { Session } from "./session.ts";

const MAX_ANCESTORS = 256;

/**
 * Rules speak of `/proc/self` and `/dev/tty`. A process of the same run counts as self; the broker could read more of a stranger's entries
 * than the caller, so those stay what they are and need a rule of their own. The caller's own number proves nothing: who has sent
 * a message may be gone, and its number somebody else's.
 */
export function asSelf(request: Request, caller: Caller, session: Session): Request {
  if (request.op === "link" && ownDescriptor(request.from, caller) >= 0) {
    if (!belongsToRun(caller.pid, session)) return request;
    return { ...request, from: `/proc/self${request.from.slice(request.from.indexOf("/fd/"))}` };
  }
  if (!("path" in request)) return request;
  if (request.path.startsWith("/dev/pts/")) {
    const { platform, ownTerminals } = session;
    const isOwn =
      (request.path === platform.terminalOf(caller.tid) && belongsToRun(caller.tid, session)) ||
      ownTerminals.has(request.path, platform);
    return isOwn ? { ...request, path: "/dev/tty" } : request;
  }
  if (!request.path.startsWith("/proc/")) return request;
  const end = request.path.indexOf("/", 6);
  const name = end < 0 ? request.path.slice(6) : request.path.slice(6, end);
  if (!/^[1-9]\d*$/.test(name)) return request;
  if (!belongsToRun(Number(name), session)) return request;
  return { ...request, path: `/proc/self${end < 0 ? "" : request.path.slice(end)}` };
}

/** The number N when the path is `/proc/<pid of the caller>/fd/N`, else -1. */
export function ownDescriptor(path: string, caller: Caller): number {
  // The expression is not asked about most paths: it costs as much as a whole verdict.
  if (!path.startsWith("/proc/")) return -1;
  const match = /^\/proc\/(\d+)\/fd\/(\d+)$/.exec(path);
  return match !== null && Number(match[1]) === caller.pid ? Number(match[2]) : -1;
}

export function belongsToRun(pid: number, { rootPid, platform }: Session): boolean {
  for (let step = 0, at = pid; step < MAX_ANCESTORS; step++) {
    at = platform.parentOf(at);
    if (at === rootPid) return true;
    if (at <= 1) return false;
  }
  return false;
}
