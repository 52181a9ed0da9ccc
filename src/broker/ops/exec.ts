import { errnoNumber } from "../../platform/errno.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { ExecRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";

/** Starts a program in the caller's run, under the run's own confinement. */
export async function exec(request: ExecRequest, caller: Caller, session: Session): Promise<Outcome> {
  try {
    return { kind: "value", value: { pid: await session.launch(request, caller.descriptors) } };
  } catch (error) {
    if (error instanceof SallyportError) return { kind: "failed", errno: errnoNumber(error.errno) };
    throw error;
  }
}
