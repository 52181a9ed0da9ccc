import type { Platform } from "../../platform/platform.ts";
import type { TruncateRequest } from "../../protocol/message.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Cuts or extends a regular file. */
export function truncate(request: TruncateRequest, platform: Platform): Outcome {
  return outcomeOf(platform.truncate(request.path, request.sizeBytes));
}
