import type { Platform } from "../../platform/platform.ts";
import type { MknodRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Makes an empty file or a FIFO with the caller's umask. */
export function mknod(request: MknodRequest, caller: Caller, platform: Platform): Outcome {
  const umask = platform.umaskOf(caller.tid);
  return outcomeOf(umask < 0 ? umask : platform.mknod(request.path, request.kind, request.mode, umask));
}
