import type { Platform } from "../../platform/platform.ts";
import type { SymlinkRequest } from "../../protocol/message.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Makes a symbolic link; its target is judged by whoever follows it. */
export function symlink(request: SymlinkRequest, platform: Platform): Outcome {
  return outcomeOf(platform.symlink(request.target, request.path));
}
