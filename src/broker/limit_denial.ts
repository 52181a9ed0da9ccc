import type { LimitRefusal } from "../limits/refusal.ts";
import { ERRNO } from "../platform/errno.ts";
import type { Denial, Request } from "../protocol/message.ts";
import { refusal } from "./denial.ts";

/** What a caller is told that a limit refuses: EAGAIN for what a while mends, EDQUOT for what is used up. `errno` is positive. */
export function limitDenial(
  request: Request,
  limit: LimitRefusal,
  profile: string,
): { readonly denial: Denial; readonly errno: number } {
  const { retryAfterMs } = limit;
  const { rule, reason, nextSteps } = limitRule(limit, profile);
  const denial: Denial = {
    ...refusal(request.op, pathOf(request), { id: rule, reason }),
    nextSteps,
    retry: retryAfterMs === null ? "never" : "later",
    retryAfterMs: retryAfterMs === null ? null : Math.ceil(retryAfterMs),
  };
  return { denial, errno: ERRNO[limit.kind === "quota" ? "EDQUOT" : "EAGAIN"]! };
}

/** The rule that a refusal of a limit goes by, in words. */
export function limitRule(
  refusal: LimitRefusal,
  profile: string,
): { readonly rule: string; readonly reason: string; readonly nextSteps: readonly string[] } {
  const { kind, level, limit, used, retryAfterMs } = refusal;
  const later = retryAfterMs === null ? [] : [`Try again in ${retryAfterMs} ms`];
  switch (kind) {
    case "rate":
      return {
        rule: "limits.rate",
        reason: `profile "${profile}" allows ${limit} at once of ${level}, and refuses what comes faster than its rate`,
        nextSteps: [...later, 'write "above: wait" in limits of a profile of your own'],
      };
    case "quota":
      if (level.startsWith("capability "))
        return {
          rule: "limits.quota",
          reason: `its budget is ${limit} of ${level} in all, and ${used} are used`,
          nextSteps: [...later, "ask for a token with a larger budget"],
        };
      return {
        rule: "limits.quota",
        reason: `profile "${profile}" allows ${limit} of ${level} in all, and ${used} are used`,
        nextSteps: [...later, 'raise it in "quotas" of a profile of your own'],
      };
    case "full":
      return {
        rule: "limits.owners",
        reason: `the broker counts for ${limit} of ${level} at most`,
        nextSteps: later,
      };
  }
}

function pathOf(request: Request): string {
  if ("path" in request) return request.path;
  if ("from" in request) return request.from;
  if ("host" in request) return request.host;
  return request.op === "ssh-sign" ? request.key : request.op === "refused" ? request.what : "";
}
