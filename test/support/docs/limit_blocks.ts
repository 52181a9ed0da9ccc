import { DEFAULT_BACKENDS } from "../../../src/limits/backends.ts";
import { TIERS, type Tier } from "../../../src/limits/hierarchy.ts";
import { DEFAULT_STORMS, MACHINE_ERRORS, STORM_WORDS, STORMS } from "../../../src/limits/storms.ts";
import { type Blocks, code, codes, table } from "./blocks.ts";

const TIER_MEANING: { readonly [tier in Tier]: string } = {
  host: "all runs that one broker process serves",
  tenant: "for a service; a broker of one person has none",
  user: "all runs of one user that one broker process serves",
  run: "one run: the rates of its profile",
  capability: "a part of a run that was given away by a token",
};

/** Every block that is made of the limits. */
export const LIMIT_BLOCKS: Blocks = {
  storms: () =>
    table(
      ["breaker", "counts", "opens at", "within"],
      STORMS.map((storm) => {
        const { count, windowMs, share } = DEFAULT_STORMS[storm];
        const half = share > 0 ? `, if they are ${share * 100} % of all` : "";
        return [code(storm), STORM_WORDS[storm], `${count}${half}`, `${windowMs / 1000} s`];
      }),
    ),
  "machine-errors": () => `${codes([...MACHINE_ERRORS].sort())}.`,
  "limit-tiers": () =>
    table(
      ["level", "of"],
      TIERS.map((tier) => [code(tier), TIER_MEANING[tier]]),
    ),
  backends: () => {
    const { count, windowMs, restMs, capacity } = DEFAULT_BACKENDS;
    return `A host and port that has failed ${count} times in a row, no two failures more than ${windowMs / 1000} s apart, is left alone for ${restMs / 1000} s: connections are refused at once by the rule \`breaker.backend\`, which says when to try again. Then one is let through; if it fails too, the host is left alone again. The last ${capacity} failing hosts are known.`;
  },
};
