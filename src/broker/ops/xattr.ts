import type { Platform } from "../../platform/platform.ts";
import type { RemoveXattrRequest, SetXattrRequest } from "../../protocol/message.ts";
import { type Caller, targetOf } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/** Sets or removes an extended attribute of the name space `user` (judge.ts). */
export function xattr(
  request: SetXattrRequest | RemoveXattrRequest,
  caller: Caller,
  platform: Platform,
): Outcome {
  const target = targetOf(request.path, caller);
  return outcomeOf(
    request.op === "setxattr"
      ? platform.setxattr(target, request.name, request.value, request.existing)
      : platform.removexattr(target, request.name),
  );
}
