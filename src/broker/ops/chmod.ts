import type { Platform } from "../../platform/platform.ts";
import type { ChmodRequest } from "../../protocol/message.ts";
import { type Caller, targetOf } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

const EPERM = 1;
const SETUID_SETGID = 0o6000;

/** Changes permission bits. The setuid and setgid bits are refused: they would outlive the run and its confinement. */
export function chmod(request: ChmodRequest, caller: Caller, platform: Platform): Outcome {
  if (request.mode & SETUID_SETGID) return { kind: "failed", errno: EPERM };
  return outcomeOf(platform.chmod(targetOf(request.path, caller), request.mode));
}
