import { ERRNO } from "../../platform/errno.ts";
import { type ConnectUnixRequest, OPEN } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { judgeSocket } from "../judge_socket.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";
import type { Session } from "../session.ts";

const EAGAIN = ERRNO["EAGAIN"]!;
const EACCES = ERRNO["EACCES"]!;
const ECONNREFUSED = ERRNO["ECONNREFUSED"]!;
const EINTR = ERRNO["EINTR"]!;
const RETRY_MS = 10;

/**
 * Connects the caller's own socket to the very file that is judged: it is held, judged as what it is, and connected to by what
 * is held. The name may lead elsewhere by then.
 */
export function connectUnix(
  request: ConnectUnixRequest,
  caller: Caller,
  session: Session,
): Outcome | Promise<Outcome> {
  const { platform } = session;
  const pinned = platform.open(request.path, OPEN.pathOnly, 0, 0);
  if (pinned < 0) return outcomeOf(pinned);
  let late = false;
  try {
    const found = platform.stat(pinned);
    if (typeof found === "number") return outcomeOf(found);
    if (found.kind !== "socket") return outcomeOf(-ECONNREFUSED);
    if (judgeSocket(request.path, found, pinned, session).kind === "deny") return outcomeOf(-EACCES);
    const result = platform.sockets.connect(request.socketFd, pinned);
    if (result === 0) for (const agent of [session.ssh, session.gpg]) agent.connected(found, caller.pid);
    const waiting = result === -EAGAIN ? platform.sockets.waiting(request.socketFd) : -1;
    if (typeof waiting === "number" || waiting.waits === "nonblocking") return outcomeOf(result);
    late = true;
    return whenThereIsRoom(request, pinned, waiting.sendTimeoutMs, caller, session);
  } finally {
    if (!late) platform.close(pinned);
  }
}

/** unix(7): a blocking connect waits while the listener's queue is full. The broker must not wait, so it asks again. */
async function whenThereIsRoom(
  { socketFd }: ConnectUnixRequest,
  pinned: number,
  timeoutMs: number,
  caller: Caller,
  { platform, ssh, gpg }: Session,
): Promise<Outcome> {
  const end = timeoutMs > 0 ? Date.now() + timeoutMs : Number.POSITIVE_INFINITY;
  try {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      // Asked in the same turn as the call: the copy is closed when the caller has gone and been answered.
      if (!caller.waits()) return outcomeOf(-EINTR);
      const result = platform.sockets.connect(socketFd, pinned);
      const found = result === 0 ? platform.stat(pinned) : -1;
      if (typeof found !== "number") for (const agent of [ssh, gpg]) agent.connected(found, caller.pid);
      if (result !== -EAGAIN || Date.now() >= end) return outcomeOf(result);
    }
  } finally {
    platform.close(pinned);
  }
}
