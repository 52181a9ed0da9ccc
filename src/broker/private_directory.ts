import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { User } from "./user.ts";

/** Removes it with whatever authority the thread has. */
export function removeQuietly(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // What the run's own authority can not remove stays in /tmp: it is no reason to lose the run's end.
  }
}

/** mkdtemp(3) makes it unpredictable and 0700, so that /tmp's other users have no say in it. */
export function privateDirectory(user: User, self: User): string {
  const tmp = mkdtempSync(join("/tmp", "sallyport-"));
  if (user !== self) chownSync(tmp, user.uid, user.gid);
  return tmp;
}
