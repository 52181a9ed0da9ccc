import { Account, type Amounts } from "../../limits/quotas.ts";
import type { Budget, CapabilityChain } from "../../policy/capability/capability.ts";

/**
 * What the capabilities of one run have used, each below the one that it was derived from, and the first below the run. An account stays as
 * long as the run: whoever presents a token again goes on where it was.
 */
export class BudgetAccounts {
  readonly #run: Account;
  readonly #known = new Map<string, { readonly account: Account; readonly parent: Account }>();

  constructor(run: Account) {
    this.#run = run;
  }

  /**
   * The account of the last link. null: one of them is in use below another than here, so that what it uses would be taken from the
   * wrong one.
   */
  of(chain: CapabilityChain): Account | null {
    let parent = this.#run;
    for (const { id, budget } of chain) {
      const known = this.#known.get(id);
      if (known !== undefined && known.parent !== parent) return null;
      const account = known?.account ?? new Account(`capability ${id}`, amountsOf(budget), parent);
      if (known === undefined) this.#known.set(id, { account, parent });
      parent = account;
    }
    return parent;
  }
}

function amountsOf({ maxUses, maxFiles, maxReadBytes, maxWriteBytes, maxDeletes }: Budget): Amounts {
  return {
    ...(maxUses === undefined ? {} : { uses: maxUses }),
    ...(maxFiles === undefined ? {} : { files: maxFiles }),
    ...(maxReadBytes === undefined ? {} : { bytesRead: maxReadBytes }),
    ...(maxWriteBytes === undefined ? {} : { bytesWritten: maxWriteBytes }),
    ...(maxDeletes === undefined ? {} : { deletes: maxDeletes }),
  };
}
