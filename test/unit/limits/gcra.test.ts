import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_RATES, limitClass, makeBuckets } from "../../../src/limits/buckets.ts";
import { consume, makeLevel, refusingLevel } from "../../../src/limits/gcra.ts";
import { OPEN } from "../../../src/protocol/message.ts";

/** A token bucket in whole numbers: what the algorithm promises, said the other way round. */
function makeTokens(intervalNs: bigint, burst: bigint) {
  let missingNs = 0n;
  let lastNs = 0n;
  return {
    refill(nowNs: bigint) {
      const passed = nowNs - lastNs;
      missingNs = missingNs > passed ? missingNs - passed : 0n;
      lastNs = nowNs;
    },
    wait: (cost: bigint) => missingNs + cost * intervalNs - burst * intervalNs,
    take(cost: bigint) {
      missingNs += cost * intervalNs;
    },
  };
}

describe("consume", () => {
  it("does what token buckets do, on two levels at once", () => {
    const call = fc.record({
      passNs: fc.integer({ min: 0, max: 3_000_000 }),
      cost: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 80 }), (calls) => {
        const levels = [makeLevel("agent", 3_000, 5), makeLevel("user", 1_700, 9)];
        const tokens = [makeTokens(333_334n, 5n), makeTokens(588_236n, 9n)];
        let nowNs = 0;
        for (const { passNs, cost } of calls) {
          nowNs += passNs;
          for (const bucket of tokens) bucket.refill(BigInt(nowNs));
          const waits = tokens.map((bucket) => Number(bucket.wait(BigInt(cost))));
          const expected = cost > 5 ? Number.POSITIVE_INFINITY : Math.max(0, ...waits);
          expect(consume(levels, cost, nowNs)).toBe(expected);
          if (expected === 0) for (const bucket of tokens) bucket.take(BigInt(cost));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("takes from all or from none, and says which level refuses and for how long", () => {
    const wide = makeLevel("user", 1_000, 100);
    const narrow = makeLevel("agent", 10, 1);
    expect(consume([wide, narrow], 1, 0)).toBe(0);
    const { fullAtNs } = wide;
    expect(consume([wide, narrow], 1, 0)).toBe(100_000_000);
    expect(wide.fullAtNs).toBe(fullAtNs);
    expect(refusingLevel([wide, narrow], 1, 0)).toBe(narrow);
    expect(consume([wide, narrow], 1, 99_999_999)).toBe(1);
    expect(consume([wide, narrow], 1, 100_000_000)).toBe(0);
    expect(refusingLevel([wide], 1, 1e9)).toBeUndefined();
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 101])("refuses cost %d and forgets it", (cost) => {
    const level = makeLevel("agent", 10, 100);
    expect(consume([level], cost, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(level.fullAtNs).toBe(0);
    expect(consume([level], 1, Number.NaN)).toBe(Number.POSITIVE_INFINITY);
    expect(consume([level], 1, 0)).toBe(0);
  });

  it("gives nothing to a clock that went backwards", () => {
    const level = makeLevel("agent", 10, 1);
    expect(consume([level], 1, 1e9)).toBe(0);
    expect(consume([level], 1, 0)).toBeGreaterThan(1e9);
  });

  it("never grants more than rate and burst", () => {
    const buckets = makeBuckets("run");
    let granted = 0;
    for (let nowNs = 0; nowNs < 2e9; nowNs += 1e6) while (consume([buckets.exec], 1, nowNs) === 0) granted++;
    expect(granted).toBeLessThanOrEqual(DEFAULT_RATES.exec.burst + 2 * DEFAULT_RATES.exec.perSecond);
    expect(granted).toBeGreaterThan(290);
  });

  it("puts opens that change something with the writes", () => {
    const open = (flags: number) => limitClass({ op: "open", path: "/a", flags, mode: 0 });
    expect([open(OPEN.read), open(OPEN.read | OPEN.create), open(OPEN.append)]).toEqual([
      "read",
      "write",
      "write",
    ]);
    expect(limitClass({ op: "rename", from: "/a", to: "/b", existing: "refuse" })).toBe("delete");
  });
});
