/** Puts back the files of a run that are beyond its limits, before what it left is written down. */
import { closeSync } from "node:fs";
import { linux } from "../../platform/linux.ts";
import { look, type Store } from "../../platform/staging.ts";
import { OPEN } from "../../protocol/message.ts";
import { breachOfAll, type FileAlternatives, limitsTypes, sizesOf } from "../file_alternatives.ts";
import type { Breach } from "../file_limits.ts";
import type { UndoJournal } from "./journal.ts";
import { makePlan } from "./plan.ts";
import { presentOf } from "./present.ts";
import { restore } from "./restore.ts";
import { type Node, pathOf, placesOf, replay, type Tree, unpack } from "./tree.ts";

const CAN_NOT_BE_READ: Breach = {
  rule: "files.mime-type",
  reason: "its content can not be read, so that its type is not known",
  errno: 13,
};

/** `isBack` false: it could not be put back, and stands as the run left it. */
export type RolledBack = Breach & { readonly path: string; readonly isBack: boolean };

/**
 * Looks at every file that the run has written. To be called when no process of the run is left: nobody has a descriptor or a
 * mapping of one, and what it holds is what it will hold. With the run's own authority. May be killed and done again.
 */
export function rollBack(
  journal: UndoJournal,
  store: Store,
  limitsOf: (path: string) => FileAlternatives,
): RolledBack[] {
  const tree = replay(journal.read());
  const breaches = breachesIn(tree, limitsOf);
  if (breaches.size === 0) return [];
  unpack(tree, store);
  const plan = makePlan(tree, presentOf(store), [...breaches.keys()]);
  const { failures } = restore(plan, store, journal, "limits");
  const stands = new Set([
    ...failures.map(({ path }) => path),
    ...plan.items.filter(({ state }) => state === "kept").map(({ path }) => path),
  ]);
  return [...breaches].map(([path, breach]) => ({ ...breach, path, isBack: !stands.has(path) }));
}

function breachesIn(tree: Tree, limitsOf: (path: string) => FileAlternatives): Map<string, Breach> {
  const places = placesOf(tree, "now");
  const found = new Map<string, Breach>();
  for (const slot of tree.slots) {
    if (slot.now === null || !isWritten(slot.now)) continue;
    const path = pathOf(slot, places, tree.root);
    const breach = path === null ? null : breachAt(path, limitsOf(path));
    if (path !== null && breach !== null) found.set(path, breach);
  }
  return found;
}

function isWritten({ kind, origin, image }: Node): boolean {
  return kind === "file" && (origin === "made" || image !== null);
}

function breachAt(path: string, limits: FileAlternatives): Breach | null {
  if (limits.length === 0) return null;
  const there = look(path);
  if (typeof there === "number" || there.kind !== "file") return null;
  const fd = linux.open(path, OPEN.read | OPEN.nonblock, 0, 0);
  if (fd < 0) {
    // Its owner may have taken the right to read it away from itself.
    const held = linux.open(path, OPEN.pathOnly | OPEN.nofollow, 0, 0);
    if (held < 0) return CAN_NOT_BE_READ;
    try {
      return breachOfAll(held, sizesOf(limits)) ?? (limitsTypes(limits) ? CAN_NOT_BE_READ : null);
    } finally {
      closeSync(held);
    }
  }
  try {
    return breachOfAll(fd, limits);
  } finally {
    closeSync(fd);
  }
}
