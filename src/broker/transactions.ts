import type { Found } from "../platform/staging.ts";
import type { Draft } from "./undo/undo.ts";

const MAX_OPEN = 256;
const EMFILE = 24;

/** A write that has begun and has not been committed. */
export type Transaction = {
  /** Without links. */
  readonly path: string;
  readonly draft: Draft;
  /** What stood there when it began; null: nothing. */
  readonly replaced: Found | null;
  /** Says whether the channel over which it began is still open. */
  readonly waits: () => boolean;
};

/** The transactional writes of one run that are open. */
export class Transactions {
  readonly #open = new Map<number, Transaction>();
  #last = 0;

  /** Gives its number, or -EMFILE. */
  add(transaction: Transaction): number {
    if (this.#open.size >= MAX_OPEN)
      for (const [number, { waits }] of this.#open) if (!waits()) this.end(number);
    if (this.#open.size >= MAX_OPEN) return -EMFILE;
    this.#open.set(++this.#last, transaction);
    return this.#last;
  }

  /** null: there is none of this number for this path. */
  find(number: number, path: string): Transaction | null {
    const found = this.#open.get(number);
    return found?.path === path ? found : null;
  }

  end(number: number): void {
    this.#open.get(number)?.draft.drop();
    this.#open.delete(number);
  }

  close(): void {
    for (const number of [...this.#open.keys()]) this.end(number);
  }
}
