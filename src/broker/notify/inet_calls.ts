import { ERRNO } from "../../platform/errno.ts";
import type { SocketFacts, Sockets } from "../../platform/sockets.ts";
import { NR } from "./syscalls.ts";
import type { ReceivedCall } from "./translate.ts";

const EALREADY = ERRNO["EALREADY"]!;
const EINPROGRESS = ERRNO["EINPROGRESS"]!;
const EINTR = ERRNO["EINTR"]!;
const EINVAL = ERRNO["EINVAL"]!;
const NO_UMASK = 0;
const RETRY_MS = 5;
/** Turns of the event loop in which a connection over loopback is there at the latest, unless its listener's queue is full. */
const SOON = 40;

/** An internet socket of the namespace `network` leads nowhere but to listeners of the broker and of the run itself. */
export function isOfNetwork({ domain, type, network }: SocketFacts, own: number | null): boolean {
  const isInet = domain === "inet" || domain === "inet6";
  return isInet && (type === "stream" || type === "datagram") && own !== null && network === own;
}

/** Does what the caller asks of such a socket: there is nothing to decide. 0 or errno. */
export function inetCall(
  call: ReceivedCall,
  socketFd: number,
  sockets: Sockets,
  waits: () => boolean,
): number | Promise<number> {
  if (call.nr === NR.listen) return -sockets.listen(socketFd, call.words[1]!);
  // A copy: what the event holds is gone when the next one comes.
  const address = call.value()?.slice();
  if (address === undefined) return EINVAL;
  if (call.nr === NR.bind) return -sockets.bind(socketFd, address, -1, NO_UMASK);
  const result = -sockets.connectAddress(socketFd, address);
  if (result !== EALREADY) return result;
  const waiting = sockets.waiting(socketFd);
  // connect(2) of what does not wait says so when it is asked again.
  if (typeof waiting === "number" || waiting.waits === "nonblocking") return result;
  return whenConnected(socketFd, address, waiting.sendTimeoutMs, sockets, waits);
}

/** tcp(7): a listener whose queue is full lets a caller wait. The broker must not wait, so it asks again. */
async function whenConnected(
  socketFd: number,
  address: Uint8Array,
  timeoutMs: number,
  sockets: Sockets,
  waits: () => boolean,
): Promise<number> {
  const end = timeoutMs > 0 ? Date.now() + timeoutMs : Number.POSITIVE_INFINITY;
  for (let turn = 0; ; turn++) {
    await new Promise<void>((resolve) => {
      if (turn < SOON) setImmediate(resolve);
      else setTimeout(resolve, RETRY_MS);
    });
    // Asked in the same turn as the call: the copy is closed when the caller has gone and been answered.
    if (!waits()) return EINTR;
    const result = -sockets.connectAddress(socketFd, address);
    if (result !== EALREADY) return result;
    if (Date.now() >= end) return EINPROGRESS;
  }
}
