/** Every way to bring a wrong token that was thought of, each with the reason by which it is refused. */
import { describe, expect, it } from "vitest";
import { REFUSALS } from "../../../src/tokens/refusal.ts";
import { verifyToken } from "../../../src/tokens/verify.ts";
import { context } from "../../support/tokens.ts";
import { BOUND, CHAINS, TIMES, WIDENED } from "../../support/wrong_tokens/chains.ts";
import { ALGORITHMS, FORGED } from "../../support/wrong_tokens/forged.ts";
import { FORMS, SIZES } from "../../support/wrong_tokens/malformed.ts";
import type { Case } from "../../support/wrong_tokens/wrong_token.ts";

const ALL: readonly (readonly [string, readonly Case[]])[] = [
  ["forged", FORGED],
  ["of another algorithm", ALGORITHMS],
  ["of another form", FORMS],
  ["too large or too deep", SIZES],
  ["out of its time", TIMES],
  ["spliced", CHAINS],
  ["widened", WIDENED],
  ["for somebody else", BOUND],
];

describe.each(ALL)("a token is refused that is %s:", (_what, cases) => {
  const named = cases.map(([name, reason, field, make, change]) => ({ name, reason, field, make, change }));
  it.each(named)("$name ($reason)", ({ reason, field, make, change }) => {
    const verdict = verifyToken(make(), { ...context, ...change });
    expect(verdict).toMatchObject({ kind: "refused", refusal: { reason, field } });
    if (verdict.kind !== "refused") return;
    expect(verdict.refusal.problem.length).toBeLessThan(300);
    expect(verdict.refusal.remedy).not.toBe("");
  });
});

it("are more than 60 cases, and every reason of the table but those of other parts is among them", () => {
  const cases = ALL.flatMap(([, some]) => some);
  expect(cases.length).toBeGreaterThan(60);
  const seen = new Set<string>([...cases.map(([, reason]) => reason)]);
  const elsewhere = Object.keys(REFUSALS).filter(
    (reason) =>
      reason.startsWith("proof-") ||
      ["revoked", "holder-missing"].includes(reason) ||
      // Of Biscuits: biscuit_refused.test.ts and biscuit_forged.test.ts.
      ["bad-protobuf", "third-party-block", "unknown-datalog", "nothing-granted"].includes(reason),
  );
  expect([...seen, ...elsewhere].toSorted()).toEqual(Object.keys(REFUSALS).toSorted());
});
