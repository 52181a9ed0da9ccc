import type { Account } from "../limits/quotas.ts";
import { ERRNO } from "../platform/errno.ts";
import type { Outcome } from "./outcome.ts";

/** The rule behind a refusal; it need not be one of a profile. */
export type RefusingRule = {
  readonly id: string;
  readonly reason: string;
  readonly remedy?: string | undefined;
  /** It refuses for a while: when the same may be asked again. */
  readonly retryAfterMs?: number | null;
};

/** What was looked at beside the path, for the record. */
export type Looked = Readonly<Record<string, string | number>>;

export type Judgement =
  | {
      readonly kind: "allow";
      readonly rule: string;
      readonly looked?: Looked;
      /** Id of the capability that the right comes from. */
      readonly capability?: string;
      /** What pays for it; absent: the run. */
      readonly account?: Account;
      /** To be done between the intent's record and the effect; gives 0, or -errno in place of the effect. */
      readonly prepare?: () => number;
      /** To be done in place of the effect. */
      readonly instead?: () => Outcome;
    }
  | {
      readonly kind: "deny";
      readonly path: string;
      /** null: no rule grants it. */
      readonly rule: RefusingRule | null;
      readonly missing: number;
      /** What the caller is told. */
      readonly errno: number;
      readonly looked?: Looked;
      /** Ids of the capabilities that do not grant it. */
      readonly capability?: string;
    };

/** `missing` are the rights that were wanting. Paths are refused with EACCES, as Landlock does. */
export function denied(
  path: string,
  rule: RefusingRule | null,
  missing: number,
  errno: number = ERRNO["EACCES"]!,
): Extract<Judgement, { kind: "deny" }> {
  return { kind: "deny", path, rule, missing, errno };
}
