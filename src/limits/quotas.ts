/**
 * Budgets that never refill: what is asked for is reserved, then committed as far as it was used, or released. Each account debits
 * itself and every account above it, up to the root of a delegation, all or none: two children can not use more than their parent has.
 */
import type { LimitRefusal } from "./refusal.ts";

export const QUOTAS = ["files", "bytesRead", "bytesWritten", "deletes", "hosts", "uses"] as const;
export type Quota = (typeof QUOTAS)[number];
/** Whole numbers from 0; what is absent is not limited, or not asked for. */
export type Amounts = { readonly [quota in Quota]?: number };

export class Account {
  readonly name: string;
  readonly #parent: Account | null;
  readonly #limits: Amounts;
  /** Committed and reserved together. */
  readonly #taken: Record<Quota, number> = {
    files: 0,
    bytesRead: 0,
    bytesWritten: 0,
    deletes: 0,
    hosts: 0,
    uses: 0,
  };

  constructor(name: string, limits: Amounts, parent: Account | null = null) {
    this.name = name;
    this.#limits = limits;
    this.#parent = parent;
  }

  /** What is committed or reserved, by this account and those below it. */
  taken(quota: Quota): number {
    return this.#taken[quota];
  }

  /** The least that this account and those above it still have; Infinity where nothing limits it. */
  left(quota: Quota): number {
    const limit = this.#limits[quota] ?? Number.POSITIVE_INFINITY;
    const own = Math.max(0, limit - this.#taken[quota]);
    return this.#parent === null ? own : Math.min(own, this.#parent.left(quota));
  }

  /** Says whether anything limits it, here or above. */
  limits(quota: Quota): boolean {
    return this.#limits[quota] !== undefined || (this.#parent?.limits(quota) ?? false);
  }

  /** All of it, or a refusal that names the account nearest to the asker and changes nothing. */
  reserve(amounts: Amounts): Reservation | LimitRefusal {
    for (let account: Account | null = this; account !== null; account = account.#parent) {
      const refusal = account.#refusal(amounts);
      if (refusal !== null) return refusal;
    }
    this.#add(amounts, 1);
    return new Reservation(this, amounts, (of) => this.#add(of, -1));
  }

  /**
   * Writes down what has been used already and can not be kept back, such as bytes that a program wrote by itself. Gives the refusal
   * that whoever uses more will get; null while nothing is used up.
   */
  spend(amounts: Amounts): LimitRefusal | null {
    this.#add(amounts, 1);
    for (let account: Account | null = this; account !== null; account = account.#parent) {
      for (const quota of QUOTAS)
        if (account.#taken[quota] > (account.#limits[quota] ?? Number.POSITIVE_INFINITY))
          return account.#refuse(quota);
    }
    return null;
  }

  #refusal(amounts: Amounts): LimitRefusal | null {
    for (const quota of QUOTAS) {
      const asked = amounts[quota] ?? 0;
      // What is no number fails both comparisons.
      const fits = this.#taken[quota] + asked <= (this.#limits[quota] ?? Number.POSITIVE_INFINITY);
      if (!(asked >= 0) || (asked > 0 && !fits)) return this.#refuse(quota);
    }
    return null;
  }

  #refuse(quota: Quota): LimitRefusal {
    const limit = this.#limits[quota] ?? 0;
    const level = `${this.name}.${quota}`;
    return { kind: "quota", level, limit, used: this.#taken[quota], retryAfterMs: null };
  }

  #add(amounts: Amounts, sign: 1 | -1): void {
    for (let account: Account | null = this; account !== null; account = account.#parent)
      for (const quota of QUOTAS) account.#taken[quota] += sign * (amounts[quota] ?? 0);
  }
}

/** What one account has reserved. It is settled once; whatever comes later changes nothing. */
export class Reservation {
  readonly account: Account;
  readonly #amounts: Amounts;
  readonly #giveBack: (amounts: Amounts) => void;
  #isSettled = false;

  constructor(account: Account, amounts: Amounts, giveBack: (amounts: Amounts) => void) {
    this.account = account;
    this.#amounts = amounts;
    this.#giveBack = giveBack;
  }

  /** Keeps what was used of it and gives back the rest. Throws a RangeError for more than was reserved. */
  commit(used: Amounts = this.#amounts): void {
    const rest: Partial<Record<Quota, number>> = {};
    for (const quota of QUOTAS) {
      const back = (this.#amounts[quota] ?? 0) - (used[quota] ?? 0);
      if (!(back >= 0)) throw new RangeError(`more ${quota} were used than were reserved`);
      rest[quota] = back;
    }
    this.#settle(rest);
  }

  release(): void {
    this.#settle(this.#amounts);
  }

  #settle(back: Amounts): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#giveBack(back);
  }
}
