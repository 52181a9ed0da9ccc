import { readDifferences } from "../differences.ts";
import { type Blocks, code, table } from "./blocks.ts";

/** Blocks of docs/differences.md. */
export const DIFFERENCE_BLOCKS: Blocks = {
  differences: () =>
    table(
      ["cases", "plain kernel", "inside", "why"],
      readDifferences().map(({ cases, outside, inside, in: part, because }) => [
        code(cases),
        outside ?? "success or another errno",
        part === undefined ? inside : `${inside}, other ${part}`,
        because,
      ]),
    ),
};
