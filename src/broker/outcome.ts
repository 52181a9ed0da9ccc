import type { LimitRefusal } from "../limits/refusal.ts";
import type { Denial, ReplyValue } from "../protocol/message.ts";

/** What came of a request. A descriptor belongs to whoever receives the outcome. `errno` is positive. */
export type Outcome =
  /** `value`: what the reply says beside it; null where there is nothing to say. */
  | { readonly kind: "descriptor"; readonly fd: number; readonly value?: ReplyValue }
  | { readonly kind: "value"; readonly value: ReplyValue }
  /** For the front that asked; no system call and no frame carries it. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "failed"; readonly errno: number }
  /** `limit`: what refused, where a limit did. */
  | {
      readonly kind: "denied";
      readonly errno: number;
      readonly denial: Denial;
      readonly limit?: LimitRefusal;
    };

export const DONE: Outcome = { kind: "value", value: null };

/** Turns a return value of the platform (0 or -errno) into an outcome. */
export function outcomeOf(result: number): Outcome {
  return result < 0 ? { kind: "failed", errno: -result } : DONE;
}
