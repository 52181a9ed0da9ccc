import type { Platform } from "../../platform/platform.ts";
import type { RemoveXattrRequest, SetXattrRequest } from "../../protocol/message.ts";
import { type Caller, targetOf } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

const EPERM = 1;

/** Sets or removes an extended attribute. Only `user.*`: the other name spaces carry privilege (capabilities, ACLs, labels). */
export function xattr(
  request: SetXattrRequest | RemoveXattrRequest,
  caller: Caller,
  platform: Platform,
): Outcome {
  if (!request.name.startsWith("user.")) return { kind: "failed", errno: EPERM };
  const target = targetOf(request.path, caller);
  return outcomeOf(
    request.op === "setxattr"
      ? platform.setxattr(target, request.name, request.value, request.existing)
      : platform.removexattr(target, request.name),
  );
}
