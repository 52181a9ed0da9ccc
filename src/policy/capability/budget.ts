import type { Budget } from "./capability.ts";
import { type Proof, WITHIN, wider } from "./proof.ts";

/** Each part of a budget by its name in tokens. */
export const BUDGET_FIELDS: { readonly [field in keyof Required<Budget>]: string } = {
  maxUses: "max_uses",
  maxFiles: "max_files",
  maxReadBytes: "max_read_bytes",
  maxWriteBytes: "max_write_bytes",
  maxDeletes: "max_deletes",
};

/** Whether what was `spent` is within the budget. */
export function checkBudget(budget: Budget, spent: Required<Budget>): boolean {
  return fields().every((field) => spent[field] <= (budget[field] ?? Number.POSITIVE_INFINITY));
}

/** Each use is also taken from the parent; a child that names more, or no limit where there is one, promises what it can not keep. */
export function budgetSubsumes(parent: Budget, child: Budget): Proof {
  for (const field of fields()) {
    const [wide, narrow] = [parent[field], child[field]];
    if (wide === undefined || (narrow !== undefined && narrow <= wide)) continue;
    const name = `budget.${BUDGET_FIELDS[field]}`;
    return wider(
      name,
      narrow === undefined
        ? `is missing, and the parent has ${wide}`
        : `is ${narrow}, and the parent has ${wide}`,
      `write at most ${wide}`,
    );
  }
  return WITHIN;
}

function fields(): (keyof Budget)[] {
  return Object.keys(BUDGET_FIELDS) as (keyof Budget)[];
}
