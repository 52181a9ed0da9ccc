import type { Platform } from "../../platform/platform.ts";
import type { RenameRequest } from "../../protocol/message.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Renames; never across file systems (EXDEV, as rename(2)). */
export function rename(request: RenameRequest, platform: Platform): Outcome {
  return outcomeOf(platform.rename(request.from, request.to, request.existing));
}
