import type { Platform } from "../../platform/platform.ts";
import type { ChmodRequest } from "../../protocol/message.ts";
import { type Caller, targetOf } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Changes permission bits; never the setuid and setgid bits (judge.ts). */
export function chmod(request: ChmodRequest, caller: Caller, platform: Platform): Outcome {
  return outcomeOf(platform.chmod(targetOf(request.path, caller), request.mode));
}
