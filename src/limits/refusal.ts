/** Why a limit refuses: which level, what it allows, what was used, and when the same may be asked again (null: never). */
export type LimitRefusal = {
  readonly kind: "rate" | "quota" | "full";
  /** Whose limit it is and what it counts: "run.delete", "user.files". */
  readonly level: string;
  /** A rate: cost at once; a quota: the most in all; full: the most owners. */
  readonly limit: number;
  readonly used: number;
  readonly retryAfterMs: number | null;
};
