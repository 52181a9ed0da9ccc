import type { Platform } from "../../platform/platform.ts";
import type { StatRequest } from "../../protocol/message.ts";
import type { Outcome } from "../outcome.ts";

/** Describes what stands at the path. */
export function stat(request: StatRequest, platform: Platform): Outcome {
  const found = platform.stat(request.path);
  return typeof found === "number" ? { kind: "failed", errno: -found } : { kind: "value", value: found };
}
