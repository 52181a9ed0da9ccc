import { join } from "node:path";
import { type AgentKind, refuseOfAgent, serveAgent } from "../agent_front.ts";
import type { Caller } from "../caller.ts";
import { dispatch } from "../dispatch.ts";
import type { Session } from "../session.ts";
import { type AgentCommand, dataLines, ERROR, LineStream, parseCommand } from "./assuan.ts";

const KIND: AgentKind = {
  name: "gpg-agent",
  rule: "sockets.gpg-agent",
  does: "it signs with the granted keys and does nothing else",
  protocol: "Assuan",
  maxWaiting: 64,
};
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
  const { gpg } = session;
  const home = gpg.makeHome(directory);
  const front = await serveAgent<Buffer>(KIND, join(home, "S.gpg-agent"), gpg, session, (caller) => {
    const stream = new LineStream();
    const said: Said = { keygrip: "", algorithm: 0, digest: "" };
    return {
      greeting: "OK Pleased to meet you\n",
      push: (chunk) => stream.push(chunk),
      async answer(line) {
        // Empty lines and comments have no answer.
        if (line.length === 0 || line[0] === 0x23) return null;
        const command = parseCommand(line);
        const bytes = await answerTo(command, said, caller);
        return { bytes, next: command.kind === "bye" ? "close" : "more" };
      },
    };
  });

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
    refuseOfAgent(KIND, what, caller, session);
  }

  return { home, close: () => front.close() };
}

function failure(code: number): Buffer {
  return Buffer.from(`ERR ${code} Refused <sallyport>\n`);
}
