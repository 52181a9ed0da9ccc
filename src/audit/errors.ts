import type { FailureCode } from "../protocol/message.ts";

/** What every function of the audit layer throws. `SYSTEM`: the kernel refused; `INVALID`: bytes are not what they must be. */
export class AuditError extends Error {
  readonly code: FailureCode;
  /** Byte offset in the parsed text, or -1. */
  readonly offset: number;

  constructor(code: FailureCode, message: string, offset = -1, options?: ErrorOptions) {
    super(message, options);
    this.name = "AuditError";
    this.code = code;
    this.offset = offset;
  }
}

/** The errno name ("ENOENT") of a Node system error, or "". */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
