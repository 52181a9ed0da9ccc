import type { Denial, FailureCode } from "./message.ts";

/** When the same request may be sent again. "unless-done": only when the failure says that nothing happened. */
export type Retry = "no" | "later" | "reconnect" | "unless-done";

export type FailureDetails = {
  /** Replaces the errno of the code: for SYSTEM what the kernel said, for DENIED EPERM where it is no path. */
  readonly errno?: string;
  readonly denial?: Denial;
  /** For INVALID: where, as "argv[2]". */
  readonly field?: string;
  /** For INVALID: what would have been right, in words. */
  readonly expected?: string;
  /** For SETUP: the step at which confinement failed, as "landlock" or "exec". */
  readonly stage?: string;
  /** "unknown": the request was sent, and nobody can say whether it was done. Default "none": it was not. */
  readonly outcome?: Outcome;
  readonly cause?: unknown;
};

/** What became of a request that failed. */
export type Outcome = "none" | "unknown";

/** What each code means to a caller that knows only errno names. All are names of `os.constants.errno`. */
export const FAILURES: { readonly [code in FailureCode]: { readonly errno: string; readonly retry: Retry } } =
  {
    DENIED: { errno: "EACCES", retry: "no" },
    INVALID: { errno: "EINVAL", retry: "no" },
    PROTOCOL: { errno: "EPROTO", retry: "reconnect" },
    LIMIT: { errno: "EDQUOT", retry: "later" },
    BUSY: { errno: "EAGAIN", retry: "later" },
    UNSUPPORTED: { errno: "ENOTSUP", retry: "no" },
    SETUP: { errno: "ECANCELED", retry: "no" },
    NOT_FOUND: { errno: "ENOENT", retry: "no" },
    TIMEOUT: { errno: "ETIMEDOUT", retry: "unless-done" },
    GONE: { errno: "EPIPE", retry: "unless-done" },
    SYSTEM: { errno: "EIO", retry: "no" },
    INTERNAL: { errno: "EIO", retry: "no" },
  };

/** The one error class that leaves a public function. Codes and fields are stable, the text is not. */
export class SallyportError extends Error {
  override readonly name = "SallyportError";
  readonly code: FailureCode;
  readonly errno: string;
  readonly denial: Denial | undefined;
  readonly field: string | undefined;
  readonly expected: string | undefined;
  readonly stage: string | undefined;
  readonly outcome: Outcome;

  constructor(code: FailureCode, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errno = details.errno ?? FAILURES[code].errno;
    this.denial = details.denial;
    this.field = details.field;
    this.expected = details.expected;
    this.stage = details.stage;
    this.outcome = details.outcome ?? "none";
  }
}
