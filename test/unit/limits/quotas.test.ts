import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Account, type Amounts, QUOTAS, type Quota, Reservation } from "../../../src/limits/quotas.ts";

/** Every reservation that was ever made, and what became of it: sums are made anew each time. */
type Entry = { readonly at: number; readonly asked: Amounts; used: Amounts | "reserved" | "released" };

const PARENTS = [-1, 0, 0, 1, 1, 3];

function isBelow(node: number, root: number): boolean {
  for (let at = node; at >= 0; at = PARENTS[at]!) if (at === root) return true;
  return false;
}

function taken(entries: readonly Entry[], node: number, quota: Quota): number {
  return entries
    .filter(({ at }) => isBelow(at, node))
    .reduce((sum, { asked, used }) => {
      if (used === "released") return sum;
      return sum + ((used === "reserved" ? asked : used)[quota] ?? 0);
    }, 0);
}

const amounts = fc.record({ files: fc.nat(4), bytesRead: fc.nat(50) }, { requiredKeys: [] });
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("reserve" as const), at: fc.nat(5), asked: amounts }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("commit" as const), which: fc.nat(60), part: fc.nat(100) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat(60) }) },
);

describe("accounts", () => {
  it("grant what a sum over everything that was ever reserved says, in any order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ files: fc.nat(9), bytesRead: fc.nat(120) }, { requiredKeys: [] }), {
          minLength: 6,
          maxLength: 6,
        }),
        fc.array(step, { maxLength: 80 }),
        (limits, steps) => {
          const accounts: Account[] = [];
          for (const [at, parent] of PARENTS.entries())
            accounts.push(new Account(`a${at}`, limits[at]!, parent < 0 ? null : accounts[parent]!));
          const entries: Entry[] = [];
          const reservations: Reservation[] = [];
          for (const one of steps) {
            if (one.do === "reserve") {
              const fits = PARENTS.every(
                (_, node) =>
                  !isBelow(one.at, node) ||
                  QUOTAS.every((quota) => {
                    const asked = (one.asked as Amounts)[quota] ?? 0;
                    const limit = (limits[node] as Amounts)[quota] ?? Number.POSITIVE_INFINITY;
                    return asked === 0 || taken(entries, node, quota) + asked <= limit;
                  }),
              );
              const got = accounts[one.at]!.reserve(one.asked);
              expect(got instanceof Reservation).toBe(fits);
              if (!(got instanceof Reservation)) continue;
              reservations.push(got);
              entries.push({ at: one.at, asked: one.asked, used: "reserved" });
            } else if (reservations.length > 0) {
              const which = one.which % reservations.length;
              const entry = entries[which]!;
              const isSettled = entry.used !== "reserved";
              if (one.do === "release") {
                reservations[which]!.release();
                if (!isSettled) entry.used = "released";
              } else {
                const share = (of: number | undefined): number => Math.floor(((of ?? 0) * one.part) / 100);
                const used = { files: share(entry.asked.files), bytesRead: share(entry.asked.bytesRead) };
                reservations[which]!.commit(used);
                if (!isSettled) entry.used = used;
              }
            }
            for (const [node, account] of accounts.entries())
              for (const quota of QUOTAS) {
                expect(account.taken(quota)).toBe(taken(entries, node, quota));
                const limit = (limits[node] as Amounts)[quota] ?? Number.POSITIVE_INFINITY;
                expect(account.taken(quota)).toBeLessThanOrEqual(limit);
              }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("let two children have no more than their parent has", () => {
    const run = new Account("run", { deletes: 10 });
    const [one, two] = [new Account("one", { deletes: 10 }, run), new Account("two", { deletes: 10 }, run)];
    expect(one.reserve({ deletes: 6 })).toBeInstanceOf(Reservation);
    expect(two.reserve({ deletes: 5 })).toEqual({
      kind: "quota",
      level: "run.deletes",
      limit: 10,
      used: 6,
      retryAfterMs: null,
    });
    expect(two.left("deletes")).toBe(4);
    expect(two.taken("deletes"), "a refused reservation took something").toBe(0);
    expect(two.reserve({ deletes: 4 })).toBeInstanceOf(Reservation);
  });

  it.each([Number.NaN, -1])("refuse %d", (deletes) => {
    const run = new Account("run", { deletes: 10 });
    expect(run.reserve({ deletes })).toMatchObject({ kind: "quota", level: "run.deletes" });
    expect(run.taken("deletes")).toBe(0);
  });

  it("know what was spent without asking", () => {
    const run = new Account("run", { bytesWritten: 100 });
    const child = new Account("child", {}, run);
    expect(child.spend({ bytesWritten: 100 })).toBeNull();
    expect(child.spend({ bytesWritten: 1 })).toMatchObject({ level: "run.bytesWritten", used: 101 });
    expect(child.reserve({ bytesWritten: 1 })).toMatchObject({ level: "run.bytesWritten" });
    expect([child.limits("bytesWritten"), child.limits("files"), child.left("bytesWritten")]).toEqual([
      true,
      false,
      0,
    ]);
  });

  it("keep no more than was reserved", () => {
    const got = new Account("run", { files: 3 }).reserve({ files: 1 }) as Reservation;
    expect(() => got.commit({ files: 2 })).toThrow(RangeError);
  });
});
