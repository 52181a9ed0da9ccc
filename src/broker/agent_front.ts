import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { SallyportError } from "../protocol/errors.ts";
import { type AgentCallers, isOfRun } from "./agent_callers.ts";
import type { Caller } from "./caller.ts";
import { dispatch } from "./dispatch.ts";
import type { Session } from "./session.ts";

/** One more is closed at once. */
const MAX_CONNECTIONS = 32;

/** One agent of the person's, of which a run gets less: `name` as in "ssh-agent", and by which rule the rest is refused. */
export type AgentKind = {
  readonly name: string;
  readonly rule: string;
  readonly does: string;
  readonly protocol: string;
  /** A client that is further ahead of its answers is closed. */
  readonly maxWaiting: number;
};

/** What the program at the other end of one connection says. */
export type AgentConnection<Message> = {
  /** Sent before anything is asked. */
  readonly greeting?: string;
  /** Whole messages of what has come so far; null: it is no such protocol. */
  push(chunk: Uint8Array): readonly Message[] | null;
  /** Asked one after the other. null: there is no answer; "close": the connection ends when it is sent. */
  answer(message: Message): Promise<{ readonly bytes: Uint8Array; readonly next: "more" | "close" } | null>;
};

export type AgentFront = { close(): void };

/**
 * Listens at `path` for programs of the run, of which the broker makes the connections, and answers each in the order of its
 * messages. Throws SETUP, and what listen(2) throws.
 */
export async function serveAgent<Message>(
  kind: AgentKind,
  path: string,
  callers: AgentCallers,
  session: Session,
  connect: (caller: Caller) => AgentConnection<Message>,
): Promise<AgentFront> {
  const { name, protocol, maxWaiting } = kind;
  const { ownSockets, platform } = session;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const pid = isOfRun(socket, platform) ? callers.takeCaller() : -1;
    if (pid < 0 || open.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    serveConnection(socket, pid);
  });

  function serveConnection(socket: Socket, pid: number): void {
    const caller: Caller = { pid, tid: pid, heldFd: -1, descriptors: [], waits: () => !socket.destroyed };
    const connection = connect(caller);
    let waiting = 0;
    let last: Promise<void> = Promise.resolve();
    if (connection.greeting !== undefined) socket.write(connection.greeting);
    socket.on("data", (chunk) => {
      const messages = connection.push(chunk);
      if (messages === null || waiting + messages.length > maxWaiting) {
        refuseOfAgent(kind, `a stream that is no ${protocol} protocol`, caller, session);
        socket.destroy();
        return;
      }
      waiting += messages.length;
      for (const message of messages) last = last.then(() => answer(message));
    });

    async function answer(message: Message): Promise<void> {
      const answered = socket.destroyed ? null : await connection.answer(message);
      waiting--;
      if (answered === null || socket.destroyed) return;
      if (answered.next === "close") socket.end(answered.bytes);
      else socket.write(answered.bytes);
    }
  }

  server.listen(path);
  await once(server, "listening");
  const found = platform.stat(path);
  // The run connects to it as to a socket of its own.
  if (ownSockets.add(path) < 0 || typeof found === "number")
    throw new SallyportError("SETUP", `Cannot serve the ${name} of the run at ${path}`);
  callers.servesAt(found);
  return {
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Records what a program asked of an agent that the run's does not do. */
export function refuseOfAgent(
  { name, does, rule }: AgentKind,
  what: string,
  caller: Caller,
  session: Session,
): void {
  void dispatch({ op: "refused", what: `${name}: ${what}: ${does}`, rule, errno: "EPERM" }, caller, session);
}
