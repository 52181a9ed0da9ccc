import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { SallyportError } from "../../protocol/errors.ts";
import type { RefusedRequest } from "../../protocol/message.ts";
import { isOfRun } from "../agent_callers.ts";
import type { Caller } from "../caller.ts";
import { dispatch } from "../dispatch.ts";
import type { Session } from "../session.ts";
import { type AgentCommand, dataLines, ERROR, LineStream, parseCommand } from "./assuan.ts";

/** One more is closed at once. */
const MAX_CONNECTIONS = 32;
/** A client that is further ahead of its answers is closed. */
const MAX_WAITING = 64;
const OK = Buffer.from("OK\n");

export type GpgAgent = { readonly home: string; close(): void };

/** What one connection has said so far. */
type Said = { keygrip: string; algorithm: number; digest: string };

/**
 * A gpg-agent for the run, in front of the person's own: it signs with the granted keys, each signature decided and recorded, and
 * refuses everything else. It listens in a GNUPGHOME made in `directory`, which is the run's: what the run does to the socket there
 * it does to itself. Throws SETUP, and what listen(2) throws.
 */
export async function serveGpgAgent(session: Session, directory: string): Promise<GpgAgent> {
  const { gpg, ownSockets, platform } = session;
  const home = gpg.makeHome(directory);
  const path = join(home, "S.gpg-agent");
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const pid = isOfRun(socket, platform) ? gpg.takeCaller() : -1;
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
    const stream = new LineStream();
    const said: Said = { keygrip: "", algorithm: 0, digest: "" };
    let waiting = 0;
    let last: Promise<void> = Promise.resolve();
    socket.write("OK Pleased to meet you\n");
    socket.on("data", (chunk) => {
      const lines = stream.push(chunk);
      if (lines === null || waiting + lines.length > MAX_WAITING) {
        refuse("a stream that is no Assuan protocol", caller);
        socket.destroy();
        return;
      }
      waiting += lines.length;
      // Answers go out in the order of their commands.
      for (const line of lines) {
        last = last.then(async () => {
          waiting--;
          if (socket.destroyed || line.length === 0 || line[0] === 0x23) return;
          const command = parseCommand(line);
          const answer = await answerTo(command, said, caller);
          if (socket.destroyed) return;
          if (command.kind === "bye") socket.end(answer);
          else socket.write(answer);
        });
      }
    });
  }

  async function answerTo(command: AgentCommand, said: Said, caller: Caller): Promise<Uint8Array> {
    switch (command.kind) {
      case "reset":
        Object.assign(said, { keygrip: "", algorithm: 0, digest: "" });
        return OK;
      case "fine":
      case "bye":
        return OK;
      case "version":
        return Buffer.concat([dataLines(Buffer.from(gpg.upstream.version)), OK]);
      case "have":
        return command.keygrips.some((keygrip) => gpg.keys.has(keygrip)) ? OK : failure(ERROR.noSecretKey);
      case "list": {
        const all = [...gpg.keys.keys()].map((keygrip) => Buffer.from(keygrip, "hex"));
        return Buffer.concat([dataLines(Buffer.concat(all)), OK]);
      }
      case "info":
        return gpg.keys.has(command.keygrip)
          ? Buffer.from(`S KEYINFO ${command.keygrip} D - - - - - - -\nOK\n`)
          : failure(ERROR.noSecretKey);
      case "key":
        // Whether it is granted is decided when it is to sign.
        said.keygrip = command.keygrip;
        return OK;
      case "digest":
        Object.assign(said, { algorithm: command.algorithm, digest: command.digest });
        return OK;
      case "sign":
        return await signature({ ...said }, caller);
      case "lacking":
        return failure(command.error);
      case "other":
        refuse(command.name, caller);
        return failure(ERROR.forbidden);
    }
  }

  async function signature(said: Said, caller: Caller): Promise<Uint8Array> {
    if (said.keygrip === "" || said.digest === "") return failure(ERROR.syntax);
    const outcome = await dispatch({ op: "gpg-sign", ...said }, caller, session);
    if (outcome.kind === "bytes") return Buffer.concat([dataLines(outcome.bytes), OK]);
    return failure(outcome.kind === "failed" ? ERROR.canceled : ERROR.noSecretKey);
  }

  function refuse(what: string, caller: Caller): void {
    const request: RefusedRequest = {
      op: "refused",
      what: `gpg-agent: ${what}: it signs with the granted keys and does nothing else`,
      rule: "sockets.gpg-agent",
      errno: "EPERM",
    };
    void dispatch(request, caller, session);
  }

  server.listen(path);
  await once(server, "listening");
  const found = platform.stat(path);
  if (ownSockets.add(path) < 0 || typeof found === "number")
    throw new SallyportError("SETUP", `Cannot serve a gpg-agent at ${path}`);
  gpg.servesAt(found);
  return {
    home,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function failure(code: number): Buffer {
  return Buffer.from(`ERR ${code} Refused <sallyport>\n`);
}
