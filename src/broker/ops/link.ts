import type { Platform } from "../../platform/platform.ts";
import type { LinkRequest } from "../../protocol/message.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Gives a file a second name. */
export function link(request: LinkRequest, platform: Platform): Outcome {
  return outcomeOf(platform.link(request.from, request.to));
}
