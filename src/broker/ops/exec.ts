import { errnoNumber } from "../../platform/errno.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { ExecRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";

/** Starts a program in the caller's run: among those of the caller, or, with a handle, in a tree of its own that has less. */
export async function exec(request: ExecRequest, caller: Caller, session: Session): Promise<Outcome> {
  try {
    const { descriptors } = caller;
    const pid =
      request.handle === undefined || session.agents === null
        ? await session.launch(request, descriptors)
        : await session.agents.launch(request, session, descriptors);
    return { kind: "value", value: { pid } };
  } catch (error) {
    if (error instanceof SallyportError) return { kind: "failed", errno: errnoNumber(error.errno) };
    throw error;
  }
}
