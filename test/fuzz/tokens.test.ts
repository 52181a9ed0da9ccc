import { expect, it } from "vitest";
import { fuzzTokens } from "../support/token_fuzz.ts";

/** `SALLYPORT_FUZZ_SECONDS=600 npm run test:fuzz -- test/fuzz/tokens.test.ts` is the long one. */
const SECONDS = Number(process.env["SALLYPORT_FUZZ_SECONDS"] ?? 60);

it(
  `tries hostile tokens for ${SECONDS} s: verdicts alone, nothing taken that nobody has signed, no child wider than its parent`,
  () => {
    const { tried, valid, refused, slowestMs } = fuzzTokens(SECONDS * 1000);
    console.log(
      `${tried} tokens, ${valid} taken, slowest ${slowestMs.toFixed(1)} ms`,
      Object.fromEntries(refused),
    );
    expect(tried).toBeGreaterThan(SECONDS * 100);
    expect(valid).toBeGreaterThan(tried / 100);
    expect(refused.size).toBeGreaterThan(25);
    expect(slowestMs).toBeLessThan(2000);
  },
  SECONDS * 1000 + 60_000,
);
