/** What a person may have done with a file that a run and somebody else after it have changed. */
import { closeSync } from "node:fs";
import { errnoName } from "../../platform/errno.ts";
import { linux } from "../../platform/linux.ts";
import { copyAll, type Found, look, type Store } from "../../platform/staging.ts";
import { OPEN } from "../../protocol/message.ts";
import { type Before, describe } from "./entry.ts";
import type { UndoJournal } from "./journal.ts";
import { leftText } from "./left_texts.ts";
import { type Merged, mergeTexts } from "./merge.ts";
import type { Item, Plan, Subject } from "./plan.ts";
import { setMetadata } from "./set_metadata.ts";
import { imageOf, sideBefore, sideNow } from "./sides.ts";
import type { Node } from "./tree.ts";
import { writeWhole } from "./whole_file.ts";

const EXDEV = 18;

/** replace: the file from before takes the place. merge: what was changed since is joined with what was there before. */
export type Choice = "merge" | "replace";

/** What came of it: `keptAs` is the file in the store that holds what stood there until now. */
export type Resolved =
  | { readonly path: string; readonly how: "replaced"; readonly keptAs: string }
  | { readonly path: string; readonly how: "merged"; readonly keptAs: string; readonly conflicts: number }
  | { readonly path: string; readonly how: "kept"; readonly reason: string };

const NAMES = { mine: "now", base: "left by the run", theirs: "before the run" };

/** The ways in which a kept item can be resolved, by name alone; empty when it is kept for another reason. */
export function choicesFor(item: Item, plan: Plan, store: Store): readonly Choice[] {
  if (item.state !== "kept") return [];
  const subject = plan.subjects.get(item);
  if (subject === undefined || sourceOf(subject, store) === null) return [];
  return mergeOf(subject, plan, store) === null ? ["replace"] : ["merge", "replace"];
}

/** The object of before and the file that stands in its place, where both are files and the old content is there. */
function sourceOf({ was, at }: Subject, store: Store): { was: Node; at: string; there: Found } | null {
  if (was?.kind !== "file" || at === null) return null;
  const image = imageOf(was);
  const there = look(at);
  if (typeof there === "number" || there.kind !== "file") return null;
  if (image === "lost" || image === "same") return null;
  return image === "empty" || typeof store.look(String(image)) !== "number" ? { was, at, there } : null;
}

function mergeOf({ was, at }: Subject, plan: Plan, store: Store): Merged | null {
  const left = at === null ? undefined : plan.tree.after.get(at);
  const base = left === undefined ? null : leftText(store, left);
  if (base === null || was === null || at === null) return null;
  const before = sideBefore(was, store);
  const now = sideNow(at);
  if (typeof before === "string" || typeof now === "string") return null;
  return mergeTexts(base, now.text, before.text, NAMES);
}

/**
 * Carries out a choice for every kept item of a plan that allows it, with the authority of the thread. What stands there goes into the
 * store first. Each is done whole, but for a file with further names, which is written where it is.
 */
export function resolveEdited(plan: Plan, choice: Choice, store: Store, journal: UndoJournal): Resolved[] {
  return plan.items
    .filter(({ state }) => state === "kept")
    .map((item) => {
      const subject = plan.subjects.get(item);
      const source = subject === undefined ? null : sourceOf(subject, store);
      const keep = (reason: string): Resolved => ({ path: item.path, how: "kept", reason });
      if (source === null) return keep(item.reason ?? "");
      const merged = choice === "merge" ? mergeOf(subject!, plan, store) : null;
      if (choice === "merge" && merged === null)
        return keep("it can not be merged: what the run left, or a side of it, is no short text");
      const keptAs = freeName(store);
      const failed = put(source, merged, keptAs);
      if (failed !== "") return keep(failed);
      return merged === null
        ? { path: item.path, how: "replaced", keptAs }
        : { path: item.path, how: "merged", keptAs, conflicts: merged.conflicts };
    });

  /** Gives the reason why it was not done, or "". */
  function put(
    { was, at, there }: { was: Node; at: string; there: Found },
    merged: Merged | null,
    name: string,
  ): string {
    // What a person made of the metadata is theirs, where the content is joined.
    const like = merged === null ? (was.before ?? was.image?.before ?? was.stored[0]?.before) : undefined;
    const before = like ?? describe(there, at);
    if (there.linkCount === 1) {
      const result = exchange(was, at, there, merged, before, name);
      if (result !== -EXDEV) return result === 0 ? "" : reasonOf(result);
    }
    const result = rewrite(was, at, there, merged, before, name);
    return result === 0 ? "" : reasonOf(result);
  }

  function exchange(
    was: Node,
    at: string,
    there: Found,
    merged: Merged | null,
    before: Before,
    name: string,
  ): number {
    const fd = store.create(name);
    if (fd < 0) return fd;
    let result = fill(fd, was, merged);
    if (result === 0) result = setMetadata(fd, before);
    const fresh = look(fd);
    closeSync(fd);
    if (result === 0 && typeof fresh !== "number") {
      journal.append({ k: "stand-in", id: fresh.identity });
      result = store.exchange(at, name, there.inode);
    }
    if (result === 0) {
      const out = store.look(name);
      if (typeof out !== "number" && isUnchanged(out, there)) return 0;
      // Written to since it was read: what was made of it is out of date.
      if (typeof fresh !== "number") store.exchange(at, name, fresh.inode);
      result = -ESTALE;
    }
    store.remove(name);
    return result;
  }

  /** The file keeps its inode: a copy of it goes into the store. */
  function rewrite(
    was: Node,
    at: string,
    there: Found,
    merged: Merged | null,
    before: Before,
    name: string,
  ): number {
    const source = linux.open(at, OPEN.read, 0, 0);
    const copy = source < 0 ? source : store.create(name);
    let result = copy < 0 ? copy : copyAll(copy, source);
    for (const fd of [source, copy]) if (fd >= 0) closeSync(fd);
    if (result < 0) return result;
    journal.append({ k: "stand-in", id: there.identity });
    const fd = linux.open(at, OPEN.write | OPEN.truncate, 0, 0);
    if (fd < 0) return fd;
    result = fill(fd, was, merged);
    if (result === 0) result = setMetadata(fd, before);
    closeSync(fd);
    return result;
  }

  function fill(fd: number, was: Node, merged: Merged | null): number {
    if (merged !== null) {
      writeWhole(fd, Buffer.from(merged.text));
      return 0;
    }
    const image = imageOf(was);
    if (typeof image !== "number") return 0;
    const source = store.openForReading(String(image));
    if (source < 0) return source;
    const result = copyAll(fd, source);
    closeSync(source);
    return result;
  }
}

const ESTALE = 116;

function isUnchanged(one: Found, two: Found): boolean {
  return (
    one.identity === two.identity &&
    one.sizeBytes === two.sizeBytes &&
    one.modified[0] === two.modified[0] &&
    one.modified[1] === two.modified[1]
  );
}

function reasonOf(result: number): string {
  return result === -ESTALE ? "changed meanwhile" : `it could not be put there: ${errnoName(-result)}`;
}

function freeName(store: Store): string {
  for (let number = 0; ; number++)
    if (typeof store.look(`edited-${number}`) === "number") return `edited-${number}`;
}
