import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { SallyportError } from "../../protocol/errors.ts";
import type { RefusedRequest, SshSignRequest } from "../../protocol/message.ts";
import { isOfRun } from "../agent_callers.ts";
import type { Caller } from "../caller.ts";
import { dispatch } from "../dispatch.ts";
import { removeQuietly } from "../private_directory.ts";
import type { Session } from "../session.ts";
import {
  FAILURE,
  fingerprint,
  framed,
  identitiesAnswer,
  identitiesRequest,
  parseAgentRequest,
  parseIdentities,
  purposeOf,
} from "./message.ts";
import { MessageStream } from "./stream.ts";
import { askAgent } from "./upstream.ts";

/** One more is closed at once. */
const MAX_CONNECTIONS = 32;
/** A client that sends more than this many messages before it has read their answers is closed. */
const MAX_WAITING = 16;

export type SshAgent = { readonly path: string; close(): void };

/**
 * An ssh-agent for the run, in front of the person's own: it shows the granted keys and signs with them, each signature decided and
 * recorded. Everything else of the protocol is answered with failure. It listens in a directory of its own, where the run may do
 * nothing but connect. Throws what mkdtemp(3) and listen(2) throw.
 */
export async function serveSshAgent(session: Session): Promise<SshAgent> {
  const { ssh, ownSockets, platform } = session;
  const directory = mkdtempSync(join("/tmp", "sallyport-agent-"));
  const path = join(directory, "socket");
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const pid = isOfRun(socket, platform) ? ssh.takeCaller() : -1;
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
    const stream = new MessageStream();
    let waiting = 0;
    let last: Promise<void> = Promise.resolve();
    socket.on("data", (chunk) => {
      const messages = stream.push(chunk);
      if (messages === null || waiting + messages.length > MAX_WAITING) {
        refuse("a stream that is no ssh-agent protocol", caller);
        socket.destroy();
        return;
      }
      waiting += messages.length;
      // Answers go out in the order of their messages.
      for (const message of messages) {
        last = last.then(async () => {
          const answer = socket.destroyed ? FAILURE : await answerTo(message, caller);
          waiting--;
          if (!socket.destroyed) socket.write(framed(answer));
        });
      }
    });
  }

  async function answerTo(message: Uint8Array, caller: Caller): Promise<Uint8Array> {
    const asked = parseAgentRequest(message);
    switch (asked.kind) {
      case "identities":
        return await shownKeys();
      case "sign":
        return await signature(asked, caller);
      case "other":
        refuse(`message ${asked.type} of the ssh-agent protocol`, caller);
        return FAILURE;
      case "malformed":
        refuse("a malformed message of the ssh-agent protocol", caller);
        return FAILURE;
    }
  }

  async function shownKeys(): Promise<Uint8Array> {
    const identities = parseIdentities(await askAgent(ssh.upstream, identitiesRequest()));
    return identities === null
      ? FAILURE
      : identitiesAnswer(identities.filter(({ blob }) => ssh.keys.has(fingerprint(blob))));
  }

  async function signature(
    { blob, data, flags }: { blob: Uint8Array; data: Uint8Array; flags: number },
    caller: Caller,
  ): Promise<Uint8Array> {
    const purpose = purposeOf(data);
    const request: SshSignRequest = {
      op: "ssh-sign",
      key: fingerprint(blob),
      purpose: purpose === null ? "unknown" : `${purpose.kind} ${purpose.detail}`,
      blob,
      data,
      flags,
    };
    const outcome = await dispatch(request, caller, session);
    return outcome.kind === "bytes" ? outcome.bytes : FAILURE;
  }

  function refuse(what: string, caller: Caller): void {
    const request: RefusedRequest = {
      op: "refused",
      what: `ssh-agent: ${what}: only the granted keys are shown and signed with`,
      rule: "sockets.ssh-agent",
      errno: "EPERM",
    };
    void dispatch(request, caller, session);
  }

  server.listen(path);
  await once(server, "listening");
  const found = platform.stat(path);
  // The run connects to it as to a socket of its own.
  if (ownSockets.add(path) < 0 || typeof found === "number")
    throw new SallyportError("SETUP", `Cannot serve an ssh-agent at ${path}`);
  ssh.servesAt(found);
  return {
    path,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
      removeQuietly(directory);
    },
  };
}
