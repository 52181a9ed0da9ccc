import type { Platform } from "../../platform/platform.ts";
import { MAX_LIST_ENTRIES } from "../../protocol/limits.ts";
import type { ListRequest } from "../../protocol/message.ts";
import type { Outcome } from "../outcome.ts";

/** Names the entries of a directory; more than MAX_LIST_ENTRIES fails with EOVERFLOW: open the directory instead. */
export function list(request: ListRequest, platform: Platform): Outcome {
  const names = platform.list(request.path, MAX_LIST_ENTRIES);
  return typeof names === "number" ? { kind: "failed", errno: -names } : { kind: "value", value: names };
}
