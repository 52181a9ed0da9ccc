import type { NativeFrozen, NativeLauncher, NativeLaunchFailure } from "../../platform/binding.ts";

/** What stops and ends a run: its first launcher, and those of its sub-agents, as one. */
export type Stoppable = Pick<NativeLauncher, "freeze" | "thaw" | "end">;

/** `others` are asked for each time. The first one's failure is that of the whole; what of the others is ending needs nothing. */
export function wholeRun(first: Stoppable, others: () => readonly Stoppable[]): Stoppable {
  return {
    freeze(done) {
      const all = [first, ...others()];
      gather<NativeFrozen>(
        all,
        (one, told) => one.freeze(told),
        (failure, frozen) => {
          const sum = (of: keyof NativeFrozen): number => frozen.reduce((total, one) => total + one[of], 0);
          done(failure, failure === null ? { processes: sum("processes"), moving: sum("moving") } : null);
        },
      );
    },
    thaw(done) {
      const all = [first, ...others()];
      gather<number>(
        all,
        (one, told) => one.thaw(told),
        (failure, counts) => {
          done(failure, failure === null ? counts.reduce((total, one) => total + one, 0) : null);
        },
      );
    },
    end(graceMs) {
      for (const one of [first, ...others()]) one.end(graceMs);
    },
  };
}

function gather<T>(
  all: readonly Stoppable[],
  ask: (one: Stoppable, told: (failure: NativeLaunchFailure | null, result: T | null) => void) => void,
  done: (failure: NativeLaunchFailure | null, results: readonly T[]) => void,
): void {
  const results: T[] = [];
  let waiting = all.length;
  let failed: NativeLaunchFailure | null = null;
  for (const [at, one] of all.entries()) {
    ask(one, (failure, result) => {
      if (result !== null) results.push(result);
      if (at === 0) failed = failure;
      if (--waiting === 0) done(failed, results);
    });
  }
}
