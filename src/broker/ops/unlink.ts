import type { Platform } from "../../platform/platform.ts";
import type { UnlinkRequest } from "../../protocol/message.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Removes a name, or an empty directory. */
export function unlink(request: UnlinkRequest, platform: Platform): Outcome {
  return outcomeOf(platform.unlink(request.path, request.kind));
}
