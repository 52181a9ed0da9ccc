import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_RATES, type Rates } from "../../../src/limits/buckets.ts";
import { consume, refusingLevel } from "../../../src/limits/gcra.ts";
import { type HeldLevels, Hierarchy } from "../../../src/limits/hierarchy.ts";
import { Owners } from "../../../src/limits/owners.ts";

const rates = (perSecond: number, burst: number): Rates => ({
  ...DEFAULT_RATES,
  delete: { perSecond, burst },
});

const held = (got: ReturnType<Hierarchy["hold"]>): HeldLevels => {
  if ("kind" in got) throw new Error(got.level);
  return got;
};

describe("a hierarchy", () => {
  it("takes from every tier or from none, and shares a user among runs", () => {
    const hierarchy = new Hierarchy({
      host: { capacity: 1, rates: rates(1000, 100) },
      user: { capacity: 10, rates: rates(1000, 6) },
      run: { capacity: 10, rates: rates(1000, 4) },
    });
    const one = held(hierarchy.hold({ host: "h", user: "u", run: "1" }, 0)).levels.delete;
    const two = held(hierarchy.hold({ host: "h", user: "u", run: "2" }, 0)).levels.delete;
    const other = held(hierarchy.hold({ host: "h", user: "v", run: "3" }, 0)).levels.delete;
    expect(one.map(({ name }) => name)).toEqual(["host.delete", "user.delete", "run.delete"]);
    expect(consume(one, 4, 0)).toBe(0);
    expect(refusingLevel(one, 1, 0)?.name).toBe("run.delete");
    expect(consume(two, 3, 0)).toBeGreaterThan(0);
    expect(refusingLevel(two, 3, 0)?.name).toBe("user.delete");
    expect(two[2]!.fullAtNs, "a refusal took something").toBe(0);
    expect(consume(two, 2, 0)).toBe(0);
    expect(consume(other, 4, 0)).toBe(0);
    expect(one[0]!.fullAtNs).toBe(10 * 1e6);
  });

  it("holds nothing when one of its tables is full", () => {
    const hierarchy = new Hierarchy({
      user: { capacity: 5, rates: rates(1, 1) },
      run: { capacity: 1, rates: rates(1, 1) },
    });
    const first = held(hierarchy.hold({ user: "u", run: "1" }, 0));
    expect(hierarchy.hold({ user: "v", run: "2" }, 0)).toMatchObject({ kind: "full", level: "run.owners" });
    first.release();
    first.release();
    expect(hierarchy.hold({ user: "v", run: "2" }, 0)).toHaveProperty("levels");
  });
});

describe("owners", () => {
  it("are never refunded by being forgotten, and never more than there is place for", () => {
    const step = fc.record({
      owner: fc.nat(7).map((n) => `o${n}`),
      cost: fc.nat(5),
      passMs: fc.nat(400),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const table = new Owners("user", 3, rates(10, 5));
        // The same buckets, never forgotten.
        const whole = new Owners("user", 100, rates(10, 5));
        let nowNs = 0;
        for (const { owner, cost, passMs } of steps) {
          nowNs += passMs * 1e6;
          const reference = whole.hold(owner, nowNs);
          const got = table.hold(owner, nowNs);
          if ("kind" in reference) throw new Error("the reference is full");
          expect(table.size).toBeLessThanOrEqual(3);
          if ("kind" in got) continue;
          const wait = consume([got.delete], cost, nowNs);
          expect(wait).toBe(consume([reference.delete], cost, nowNs));
          table.release(owner);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("that somebody holds stay", () => {
    const table = new Owners("user", 1, rates(10, 5));
    table.hold("a", 0);
    expect(table.hold("b", 1e15)).toEqual({
      kind: "full",
      level: "user.owners",
      limit: 1,
      used: 1,
      retryAfterMs: 1000,
    });
    table.release("a");
    expect(table.hold("b", 1e15)).not.toHaveProperty("kind");
  });
});
