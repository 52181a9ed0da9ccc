import { binding } from "../../platform/binding.ts";
import { ERRNO, errnoNumber } from "../../platform/errno.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { PresentRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";

/** Asks the caller for a proof: that of this process, on this channel, once. */
export function challenge(caller: Caller, { agents }: Session): Outcome {
  const channel = channelOf(caller);
  if (agents === null || caller.channel === undefined || channel === null) return GONE;
  const nonce = caller.channel.nonces.issue(binding.bootTimeMs());
  return { kind: "value", value: { nonce, channel, audience: agents.audience } };
}

/** Takes in a token that the caller holds, and gives a handle for it. */
export function present(request: PresentRequest, caller: Caller, session: Session): Outcome {
  const { token, proof } = request;
  const channel = channelOf(caller);
  if (session.agents === null || caller.channel === undefined || channel === null) return GONE;
  try {
    const { nonces } = caller.channel;
    const outcome = session.agents.present({ token, proof, channel, nonces }, session);
    if (outcome.kind === "denied") session.log.denial(request, caller, outcome.denial, outcome.errno);
    return outcome;
  } catch (error) {
    if (error instanceof SallyportError) return { kind: "failed", errno: errnoNumber(error.errno) };
    throw error;
  }
}

const GONE: Outcome = { kind: "failed", errno: ERRNO["ESRCH"]! };

/** The name of the channel for the process that speaks; of a proof that another process has made it is another. */
function channelOf({ channel, pid }: Caller): string | null {
  const identity = binding.processIdentity(pid);
  return channel === undefined || identity < 0 ? null : `${channel.name}.${identity}`;
}
