import { unlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { claim } from "../../audit/owner.ts";
import { SallyportError } from "../../protocol/errors.ts";

const LOCK_MS = 5000;

/** Does something to the file while no other process of the user does so. Throws TIMEOUT when that takes more than 5 s. */
export async function locked<T>(path: string, act: () => T | Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const until = performance.now() + LOCK_MS;
  while (claim(lock) === undefined) {
    if (performance.now() > until)
      throw new SallyportError("TIMEOUT", `Cannot lock "${path}" within 5 s: another command holds it`);
    await sleep(1);
  }
  try {
    return await act();
  } finally {
    unlinkSync(lock);
  }
}
