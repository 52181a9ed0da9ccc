import type { Platform } from "../../platform/platform.ts";
import type { LinkRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";
import { ownDescriptor } from "../own_process.ts";

/** Gives a file a second name, or an unnamed file that the caller holds its first. */
export function link(request: LinkRequest, caller: Caller, platform: Platform): Outcome {
  const own = ownDescriptor(request.from, caller);
  if (own >= 0) return outcomeOf(platform.linkDescriptor(caller.tid, own, request.to));
  return outcomeOf(platform.link(request.from, request.to));
}
