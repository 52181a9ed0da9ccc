/** Whether a sealed log is that of a whole run. */
import { readRecords } from "./read.ts";
import { CHECKPOINT_FILE } from "./seal.ts";
import type { VerifyResult } from "./verify.ts";

/**
 * Adds the problem that a sealed log, good so far, ends in the middle of its run. Heads are signed while a run lives: whoever
 * cuts its log back to one of them needs no key. What was sealed ends in "run.end", or in the note of a recovery.
 */
export function verifyEnd(dir: string, result: VerifyResult): VerifyResult {
  if (!result.ok || result.state !== "sealed") return result;
  const [last] = [...readRecords(dir, Math.max(0, result.size - 1))];
  if (last?.kind === "run.end" || last?.extra?.["event"] === "recovered") return result;
  const detail = "The log is sealed and does not end in the end of its run";
  const problem = { kind: "cut", file: CHECKPOINT_FILE, index: result.size, detail } as const;
  return { ...result, ok: false, problems: [problem] };
}
