import type { FileLimits } from "../policy/profile.ts";
import { type Breach, breachOf } from "./file_limits.ts";

/** What a file must be: within one of each list, as a whole. No list: anything. */
export type FileAlternatives = readonly (readonly FileLimits[])[];

/** As breachOf, of the first list that it is within nothing of; the reason is that of its first entry. */
export function breachOfAll(fd: number, lists: FileAlternatives): Breach | null {
  for (const list of lists) {
    const breaches: Breach[] = [];
    for (const limits of list) {
      const breach = breachOf(fd, limits);
      if (breach === null) break;
      breaches.push(breach);
    }
    if (breaches.length === list.length && breaches[0] !== undefined) return breaches[0];
  }
  return null;
}

/** The same lists without what looks at the content. */
export function sizesOf(lists: FileAlternatives): FileAlternatives {
  return lists.map((list) => list.map((limits) => ({ ...limits, mimeTypes: [] })));
}

export function limitsTypes(lists: FileAlternatives): boolean {
  return lists.some((list) => list.every(({ mimeTypes }) => mimeTypes.length > 0));
}
