import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { SshSignRequest } from "../../protocol/message.ts";
import { type AgentKind, refuseOfAgent, serveAgent } from "../agent_front.ts";
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

const KIND: AgentKind = {
  name: "ssh-agent",
  rule: "sockets.ssh-agent",
  does: "only the granted keys are shown and signed with",
  protocol: "ssh-agent",
  maxWaiting: 16,
};

export type SshAgent = { readonly path: string; close(): void };

/**
 * An ssh-agent for the run, in front of the person's own: it shows the granted keys and signs with them, each signature decided and
 * recorded. Everything else of the protocol is answered with failure. It listens in a directory of its own, where the run may do
 * nothing but connect. Throws what mkdtemp(3) and listen(2) throw.
 */
export async function serveSshAgent(session: Session): Promise<SshAgent> {
  const { ssh } = session;
  const directory = mkdtempSync(join("/tmp", "sallyport-agent-"));
  const path = join(directory, "socket");
  const front = await serveAgent<Uint8Array>(KIND, path, ssh, session, (caller) => {
    const stream = new MessageStream();
    return {
      push: (chunk) => stream.push(chunk),
      answer: async (message) => ({ bytes: framed(await answerTo(message, caller)), next: "more" }),
    };
  });

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
    refuseOfAgent(KIND, what, caller, session);
  }

  return {
    path,
    close() {
      front.close();
      removeQuietly(directory);
    },
  };
}
