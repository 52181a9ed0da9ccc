import type { Platform } from "../../platform/platform.ts";
import type { UtimensRequest } from "../../protocol/message.ts";
import { type Caller, targetOf } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Sets the access and modification times. */
export function utimens(request: UtimensRequest, caller: Caller, platform: Platform): Outcome {
  return outcomeOf(platform.utimens(targetOf(request.path, caller), request.accessed, request.modified));
}
