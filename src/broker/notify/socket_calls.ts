import { ERRNO } from "../../platform/errno.ts";
import { readSocketAddress } from "../../platform/socket_address.ts";
import type { SocketFacts } from "../../platform/sockets.ts";
import type { Request } from "../../protocol/message.ts";
import type { Session } from "../session.ts";
import { inetCall, isOfNetwork } from "./inet_calls.ts";
import { NR } from "./syscalls.ts";
import type { ReceivedCall } from "./translate.ts";

const EINVAL = ERRNO["EINVAL"]!;
const NETLINK_ROUTE = 0;
const UMASK_OF_NO_FILE = 0o777;

/** connect, bind and listen: their first argument is a socket, of which the event holds a copy. */
export function isSocketCall(nr: number): boolean {
  return nr === NR.connect || nr === NR.bind || nr === NR.listen;
}

/**
 * The request that a trapped socket call stands for; else what it returns, 0 or an errno: what needs no decision is done here.
 * `socketFd` is the broker's copy of the caller's socket.
 */
export function socketRequest(
  call: ReceivedCall,
  socketFd: number,
  { platform: { sockets }, network }: Pick<Session, "platform" | "network">,
  waits: () => boolean,
): Request | number | Promise<number> {
  const facts = sockets.facts(socketFd);
  if (typeof facts === "number") return -facts;
  if (isOfNetwork(facts, network)) return inetCall(call, socketFd, sockets, waits);
  if (call.nr === NR.listen) {
    // Only a socket with a name listens, and a name was decided on.
    return isConnectable(facts) ? -sockets.listen(socketFd, call.words[1]!) : refused(call.nr);
  }
  const bytes = call.value();
  if (bytes === null) return EINVAL;
  const address = readSocketAddress(bytes);
  if (facts.domain === "netlink" && facts.protocol === NETLINK_ROUTE && call.nr === NR.bind) {
    // getifaddrs(3) binds before it asks; the kernel knows what a plain user may listen to.
    return address.family === "netlink" ? -sockets.bind(socketFd, bytes, -1, UMASK_OF_NO_FILE) : EINVAL;
  }
  if (!isConnectable(facts)) return refused(call.nr);
  if (address.family !== "unix") return EINVAL;
  if (address.name === "abstract") return abstract(call.nr, `the abstract name @${address.text}`);
  if (address.name === "none")
    return call.nr === NR.bind ? abstract(call.nr, "a name that the kernel chooses") : EINVAL;
  return call.nr === NR.connect
    ? { op: "connect-unix", path: call.one, socketFd }
    : { op: "bind-unix", path: call.one, socketFd, address: bytes };
}

/** A datagram socket may be sent from to any name, so one that came from elsewhere stays unused. */
function isConnectable({ domain, type }: SocketFacts): boolean {
  return domain === "unix" && (type === "stream" || type === "seqpacket");
}

function refused(nr: number): Request {
  return {
    op: "refused",
    what: `${nameOf(nr)}(2): only Unix stream and seqpacket sockets are brokered`,
    rule: "network.connect",
    errno: "EACCES",
  };
}

function abstract(nr: number, what: string): Request {
  return {
    op: "refused",
    what: `${nameOf(nr)}(2): ${what} belongs to every process of the machine, and to no directory`,
    rule: "network.abstract",
    errno: "EPERM",
  };
}

function nameOf(nr: number): string {
  return nr === NR.connect ? "connect" : nr === NR.bind ? "bind" : "listen";
}
