import type { Socket } from "node:net";
import type { Platform } from "../platform/platform.ts";
import type { Stat } from "../protocol/message.ts";

/** Who of a run has connected to the socket that an agent of the broker's listens on. */
export class AgentCallers {
  readonly #waiting: number[] = [];
  #socket: Stat | null = null;

  servesAt(socket: Stat): void {
    this.#socket = socket;
  }

  /** To be called when the broker has connected `pid` to a socket. */
  connected(socket: Stat, pid: number): void {
    if (this.#socket === null || socket.inode !== this.#socket.inode || socket.device !== this.#socket.device)
      return;
    this.#waiting.push(pid);
  }

  /** Whose connection has been accepted next: they come in the order in which they were made. -1: of nobody in the run. */
  takeCaller(): number {
    return this.#waiting.shift() ?? -1;
  }
}

/** The broker makes every connection of the run: its own pid is at the other end. */
export function isOfRun(socket: Socket, platform: Platform): boolean {
  const handle = (socket as { _handle?: { fd?: unknown } })._handle;
  const peer = typeof handle?.fd === "number" ? platform.sockets.peer(handle.fd) : -1;
  return typeof peer !== "number" && peer[0] === process.pid;
}
