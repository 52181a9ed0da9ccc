import type { Platform } from "../../platform/platform.ts";
import type { MkdirRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Makes a directory with the caller's umask. */
export function mkdir(request: MkdirRequest, caller: Caller, platform: Platform): Outcome {
  const umask = platform.umaskOf(caller.tid);
  return outcomeOf(umask < 0 ? umask : platform.mkdir(request.path, request.mode, umask));
}
