import { ERRNO } from "../../platform/errno.ts";
import type { SshSignRequest } from "../../protocol/message.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";
import { isSignature, signRequest } from "../ssh_agent/message.ts";
import { askAgent } from "../ssh_agent/upstream.ts";

const EIO = ERRNO["EIO"]!;

/** Has the person's own agent sign. Gives its answer as it is. */
export async function sshSign(request: SshSignRequest, session: Session): Promise<Outcome> {
  const answer = await askAgent(session.ssh.upstream, signRequest(request.blob, request.data, request.flags));
  return isSignature(answer) ? { kind: "bytes", bytes: answer } : { kind: "failed", errno: EIO };
}
