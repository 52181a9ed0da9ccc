import type { Platform } from "../../platform/platform.ts";
import type { ChownRequest } from "../../protocol/message.ts";
import { type Caller, targetOf } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Changes owner and group, as far as the caller's own authority goes. */
export function chown(request: ChownRequest, caller: Caller, platform: Platform): Outcome {
  return outcomeOf(platform.chown(targetOf(request.path, caller), request.uid, request.gid));
}
