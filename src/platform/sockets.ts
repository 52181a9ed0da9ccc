import { binding } from "./binding.ts";

// linux/socket.h, linux/net.h
const DOMAINS: Readonly<Record<number, SocketFacts["domain"]>> = {
  1: "unix",
  2: "inet",
  10: "inet6",
  16: "netlink",
};
const TYPES: Readonly<Record<number, SocketFacts["type"]>> = { 1: "stream", 2: "datagram", 5: "seqpacket" };

export type SocketFacts = {
  readonly domain: "unix" | "inet" | "inet6" | "netlink" | "other";
  readonly type: "stream" | "datagram" | "seqpacket" | "other";
  readonly protocol: number;
  /** Tells one network namespace from another: that in which it was made; 0 of a Unix socket. */
  readonly network: number;
};

/** Whether a call on a socket may wait, and for how long; 0 is for ever. */
export type SocketWaiting = { readonly waits: "blocking" | "nonblocking"; readonly sendTimeoutMs: number };

/**
 * What the broker does with its copy of a caller's socket: the same open file, so that what happens to it happens to the
 * caller's. Numbers below zero are -errno. Nothing waits.
 */
export type Sockets = {
  /** -ENOTSOCK for anything else. */
  facts(fd: number): SocketFacts | number;
  waiting(fd: number): SocketWaiting | number;
  /** [pid, uid, gid] of whoever listens at the other end. */
  peer(fd: number): readonly [number, number, number] | number;
  /**
   * Connects a Unix socket to the file that `pinnedFd` (OPEN.pathOnly) holds. -EAGAIN: the listener's queue is full. The peer is told
   * the broker's pid, and the user that the broker acts for.
   */
  connect(fd: number, pinnedFd: number): number;
  /** Connects an internet socket to a whole sockaddr. -EINPROGRESS, or -EALREADY where it blocks: a further call tells what came of it. */
  connectAddress(fd: number, address: Uint8Array): number;
  /** Binds to a whole sockaddr; a relative name starts from the directory `baseFd`, or from the broker's when it is -1. */
  bind(fd: number, address: Uint8Array, baseFd: number, umask: number): number;
  listen(fd: number, backlog: number): number;
};

export const sockets: Sockets = {
  facts(fd) {
    const facts = binding.socketFacts(fd);
    if (typeof facts === "number") return facts;
    const [domain, type, protocol, network] = facts;
    return {
      domain: DOMAINS[domain] ?? "other",
      type: TYPES[type] ?? "other",
      protocol,
      network,
    };
  },
  waiting(fd) {
    const waiting = binding.socketWaiting(fd);
    if (typeof waiting === "number") return waiting;
    return { waits: waiting[0] === 1 ? "blocking" : "nonblocking", sendTimeoutMs: waiting[1] };
  },
  peer: binding.socketPeer,
  connect: binding.socketConnect,
  connectAddress: binding.socketConnectAddress,
  bind: binding.socketBind,
  listen: binding.socketListen,
};
