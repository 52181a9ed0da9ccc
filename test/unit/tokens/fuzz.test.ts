import { expect, it } from "vitest";
import { fuzzTokens } from "../../support/token_fuzz.ts";

it("hostile tokens, for two seconds (test/fuzz/tokens.test.ts goes on for longer)", () => {
  const { tried, valid, refused } = fuzzTokens(2000);
  expect(tried).toBeGreaterThan(200);
  expect(valid).toBeGreaterThan(0);
  expect(refused.size).toBeGreaterThan(15);
});
