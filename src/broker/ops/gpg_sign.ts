import { ERRNO } from "../../platform/errno.ts";
import type { GpgSignRequest } from "../../protocol/message.ts";
import { signWithAgent } from "../gpg_agent/upstream.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";

const EIO = ERRNO["EIO"]!;

/** Has the person's own gpg-agent sign. Gives the signature as the agent wrote it. */
export async function gpgSign(request: GpgSignRequest, { gpg, run }: Session): Promise<Outcome> {
  const signed = await signWithAgent(gpg.upstream, request, gpg.keys.get(request.keygrip)!, run);
  return signed === null ? { kind: "failed", errno: EIO } : { kind: "bytes", bytes: signed };
}
