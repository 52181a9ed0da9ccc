import type { LimitRefusal } from "../limits/refusal.ts";
import { ERRNO } from "../platform/errno.ts";
import type { NetworkRule } from "../policy/network.ts";
import type { Denial, Request } from "../protocol/message.ts";
import { refusal } from "./denial.ts";

/** What a caller is told that a limit refuses: EAGAIN for what a while mends, EDQUOT for what is used up. `errno` is positive. */
export function limitDenial(
  request: Request,
  limit: LimitRefusal,
  profile: string,
): { readonly denial: Denial; readonly errno: number } {
  const errno = ERRNO[limit.kind === "quota" ? "EDQUOT" : "EAGAIN"]!;
  return { denial: refusal(request.op, pathOf(request), limitRule(limit, profile)), errno };
}

/** The rule that a refusal of a limit goes by, in words. */
export function limitRule({ retryAfterMs, ...refused }: LimitRefusal, profile: string): NetworkRule {
  return { ...wordsOf(refused, profile), retryAfterMs };
}

function wordsOf(
  { kind, level, limit, used }: Omit<LimitRefusal, "retryAfterMs">,
  profile: string,
): NetworkRule {
  switch (kind) {
    case "rate":
      return {
        id: "limit.rate",
        reason: `profile "${profile}" allows ${limit} at once of ${level}, and refuses what comes faster than its rate`,
        remedy: 'Try again later, or write "above: wait" in limits of a profile of your own',
      };
    case "quota":
      if (level.startsWith("capability "))
        return {
          id: "limit.quota",
          reason: `its budget is ${limit} of ${level} in all, and ${used} are used`,
          remedy: "Ask for a token with a larger budget",
        };
      return {
        id: "limit.quota",
        reason: `profile "${profile}" allows ${limit} of ${level} in all, and ${used} are used`,
        remedy: 'Raise it in "quotas" of a profile of your own',
      };
    case "full":
      return {
        id: "limit.owners",
        reason: `the broker counts for ${limit} of ${level} at most`,
        remedy: "Try again when other runs have ended",
      };
  }
}

function pathOf(request: Request): string {
  if ("path" in request) return request.path;
  if ("from" in request) return request.from;
  if ("host" in request) return request.host;
  return request.op === "ssh-sign" ? request.key : request.op === "refused" ? request.what : "";
}
