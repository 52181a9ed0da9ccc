import { errnoName } from "../../platform/errno.ts";
import { linux } from "../../platform/linux.ts";
import { copyAll, type Found, look, type Store } from "../../platform/staging.ts";
import { OPEN } from "../../protocol/message.ts";
import type { Before, Image } from "./entry.ts";
import type { UndoJournal } from "./journal.ts";
import { type Item, type Plan, parkedName, removedName } from "./plan.ts";
import { setMetadata, setTimes } from "./set_metadata.ts";
import { type Node, pathOf, placesOf, type Slot, type Tree } from "./tree.ts";

const ENOENT = 2;
const EXDEV = 18;
const EEXIST = 17;
/** Another directory stands where one was removed: what was in it goes there, and it stays what it is. */
const ADOPTED = 1;

export type Restored = { readonly items: readonly Item[]; readonly failures: readonly Failure[] };
export type Failure = { readonly path: string; readonly reason: string };

/**
 * To be called before the plan of a restore is made: what an interrupted one had put aside goes back to where the run left it. A place that
 * is taken shows that everything had been taken away already; then it waits to be put back.
 */
export function resume(tree: Tree, store: Store): void {
  const places = placesOf(tree, "now");
  for (const [node, slot] of places) {
    const at = node.origin === "made" || node.kind !== "directory" ? null : pathOf(slot, places, tree.root);
    if (at !== null && slot.before !== node) store.moveOut(parkedName(node), at);
  }
}

/**
 * Does what a plan says, with the authority of the thread. What the run had put there goes into the store. Each step leaves a state from
 * which a plan made anew goes on: it may be killed at any of them. Nothing is replaced that the plan did not see.
 */
export function restore(plan: Plan, store: Store, journal: UndoJournal, why?: "limits"): Restored {
  const { tree } = plan;
  const failures: Failure[] = [];
  const places = new Map(plan.actual);
  const path = (slot: Slot): string | null => pathOf(slot, places, tree.root);
  const depths = new Map(plan.slots.map((slot) => [slot, depthOf(slot)]));
  const fail = (where: string | null, what: string, result: number): void => {
    failures.push({ path: where ?? "?", reason: `${what}: ${errnoName(-result)}` });
  };

  for (const node of [...plan.times, ...plan.nodes]) {
    if (node.id !== null) journal.note({ k: "restoring", id: node.id });
  }
  journal.flush();
  /** By identity from before: where the first name of a file that had several has been put back from a copy. */
  const copies = new Map<string, string>();
  /** Whose place the copy of their content has taken: they need nothing more. */
  const replaced = new Set<Node>();
  const vacated = new Set<Slot>();
  const deepestFirst = [...plan.slots].sort((one, two) => depths.get(two)!.now - depths.get(one)!.now);
  for (const slot of deepestFirst) if (vacate(slot)) vacated.add(slot);
  const highestFirst = [...plan.slots].sort((one, two) => depths.get(one)!.before - depths.get(two)!.before);
  const filled: Slot[] = [];
  // Copies last: a further name of a file that is back links to it.
  const isCopied = (slot: Slot): boolean => slot.before?.stored.some(({ how }) => how === "copied") ?? false;
  for (const late of [false, true])
    for (const slot of highestFirst)
      if (slot.before !== null && vacated.has(slot) && isCopied(slot) === late)
        fill(slot, slot.before, filled);
  for (const node of new Set(filled.map((slot) => slot.before!))) dropSpares(node);
  for (const node of plan.nodes) if (node.kind !== "directory" && !replaced.has(node)) putBack(node);
  // Deepest first: what is done in a directory changes its times.
  const directories = [
    ...new Set([
      ...filled.flatMap(({ before }) => (before?.kind === "directory" ? [before] : [])),
      ...plan.nodes.filter(({ kind }) => kind === "directory"),
      ...plan.times,
    ]),
  ];
  for (const node of directories.sort((one, two) => pathLength(two) - pathLength(one))) finishDirectory(node);
  const items = plan.items.filter(({ state }) => state !== "done");
  const kept = items.filter(({ state }) => state === "kept").length + failures.length;
  journal.append({ k: "restored", time: Date.now(), done: items.length - kept, kept, ...(why && { why }) });
  return { items: plan.items, failures };

  function depthOf(slot: Slot): { now: number; before: number } {
    const count = (places_: ReadonlyMap<Node, Slot>): number => {
      const found = pathOf(slot, places_, tree.root);
      return found === null ? 0 : found.split("/").length;
    };
    return { now: count(plan.placesNow), before: count(plan.placesBefore) };
  }

  function pathLength(node: Node): number {
    const slot = places.get(node);
    return slot === undefined ? 0 : (path(slot)?.length ?? 0);
  }

  /** Takes away what stands in a slot; true when it is free afterwards. */
  function vacate(slot: Slot): boolean {
    const { now } = slot;
    if (now === null) return true;
    const at = path(slot);
    const there = at === null ? -ENOENT : look(at);
    if (at === null || typeof there === "number") {
      forget(slot);
      return true;
    }
    const result = now.origin === "made" ? removeMade(now, at, there) : setAside(slot, now, at, there);
    if (result < 0) {
      fail(at, "it could not be taken away", result);
      return false;
    }
    forget(slot);
    return true;
  }

  function forget(slot: Slot): void {
    if (slot.now !== null && places.get(slot.now) === slot) places.delete(slot.now);
  }

  function removeMade(node: Node, at: string, there: Found): number {
    if (node.kind === "directory") return linux.unlink(at, "directory");
    const moved = store.moveIn(at, removedName(node), there.inode);
    if (moved === -EEXIST) return linux.unlink(at, "file");
    if (moved !== -EXDEV) return moved;
    copyIn(at, removedName(node));
    return linux.unlink(at, "file");
  }

  /** An object of before that stands in another place: the name goes, the object stays somewhere. */
  function setAside(slot: Slot, node: Node, at: string, there: Found): number {
    const hasOther =
      node.stored.length > 0 ||
      tree.slots.some((other) => other.now === node && other !== slot && other.before === node);
    if (hasOther && node.kind !== "directory") return linux.unlink(at, "file");
    const moved = store.moveIn(at, parkedName(node), there.inode);
    return moved === -EEXIST ? linux.unlink(at, "file") : moved;
  }

  function fill(slot: Slot, node: Node, done: Slot[]): void {
    const at = path(slot);
    if (at === null) {
      fail(slot.name, "its directory is not there", -ENOENT);
      return;
    }
    const result = place(node, at);
    if (result === 0 || result === ADOPTED) {
      places.set(node, slot);
      if (result === 0) done.push(slot);
      return;
    }
    fail(at, "it could not be put back", result);
    putUp(slot, node);
  }

  /** After a failure: what was taken away comes back to where it was. */
  function putUp(slot: Slot, node: Node): void {
    for (const moved of [node, slot.now]) {
      const from = moved === null ? undefined : plan.placesNow.get(moved);
      const at = from === undefined ? null : path(from);
      if (moved === null || at === null) continue;
      const name = moved.origin === "made" ? removedName(moved) : parkedName(moved);
      if (store.moveOut(name, at) === 0) places.set(moved, from!);
    }
  }

  /** Gives an object of before its old name. */
  function place(node: Node, at: string): number {
    const placed = places.get(node);
    const placedAt = placed === undefined ? null : path(placed);
    if (node.kind === "directory") {
      const moved = store.moveOut(parkedName(node), at);
      if (moved !== -ENOENT) return moved;
      return makeAgain(node, at);
    }
    for (const stored of node.stored) {
      const name = String(stored.n);
      const there = store.look(name);
      if (stored.how === "copied") {
        const first = copies.get(stored.id) ?? survivorOf(stored.id, node);
        const made = first === null ? placeCopy(stored.before, name, at) : linux.link(first, at);
        if (made === 0 && first === null) copies.set(stored.id, at);
        if (made !== -ENOENT) return made;
        continue;
      }
      if (typeof there === "number") continue;
      if (node.image !== null) {
        const { n, before } = node.image;
        const isTheOnlyName = typeof n === "number" && there.linkCount === 1;
        if (isTheOnlyName && placeImage(node, n, node.before ?? before, at) === 0) return 0;
        const rewritten = rewrite(name, n);
        if (rewritten < 0) return rewritten;
      }
      if (node.before !== null) {
        const prepared = withHeld(name, node.before);
        if (prepared < 0) return prepared;
      }
      return store.moveOut(name, at);
    }
    const moved = store.moveOut(parkedName(node), at);
    if (moved !== -ENOENT) return moved;
    return placedAt === null ? -ENOENT : linux.link(placedAt, at);
  }

  /** Another name of the same file, that is there. */
  function survivorOf(id: string, node: Node): string | null {
    for (const other of tree.nodes) {
      const slot = other.id === id && other !== node ? places.get(other) : undefined;
      const at = slot === undefined ? null : path(slot);
      const there = at === null ? -ENOENT : look(at);
      if (typeof there !== "number" && there.identity === id) return at;
    }
    return null;
  }

  /** A directory that was removed: a new one, which gets its metadata when everything is in it. */
  function makeAgain(node: Node, at: string): number {
    const standing = look(at);
    if (typeof standing !== "number") return standing.kind === "directory" ? ADOPTED : -EEXIST;
    const name = parkedName(node);
    const made = store.makeDirectory(name);
    const there = made === 0 ? store.look(name) : made;
    if (typeof there === "number") return there;
    journal.note({ k: "stand-in", id: there.identity });
    journal.append({ k: "restoring", id: there.identity });
    return store.moveOut(name, at);
  }

  /** Gives a file in the store the content that it had before a descriptor of the run changed it. */
  function rewrite(name: string, n: Image): number {
    let fd = store.openForWriting(name);
    if (fd < 0) {
      const held = store.hold(name);
      if (held >= 0) linux.chmod(held, 0o600);
      if (held >= 0) linux.close(held);
      fd = store.openForWriting(name);
    }
    if (fd < 0 || typeof n !== "number") {
      if (fd >= 0) linux.close(fd);
      return Math.min(fd, 0);
    }
    const source = store.openForReading(String(n));
    const result = source < 0 ? source : copyAll(fd, source);
    if (source >= 0) linux.close(source);
    linux.close(fd);
    return result;
  }

  function withHeld(name: string, before: Before): number {
    const fd = store.hold(name);
    if (fd < 0) return fd;
    const result = setMetadata(fd, before);
    linux.close(fd);
    return result;
  }

  /** The copy of the content from before takes the place of the file. */
  function placeImage(node: Node, n: number, before: Before, at: string): number {
    const prepared = prepare(String(n), before);
    if (prepared < 0) return prepared;
    const moved = store.moveOut(String(n), at);
    if (moved === 0) replaced.add(node);
    if (moved === 0 && node.stored[0] !== undefined) node.stored.length = 0;
    return moved;
  }

  /** Gives a copy in the store the metadata of its original, and says on record that it is to stand for it. */
  function prepare(name: string, before: Before): number {
    const there = store.look(name);
    if (typeof there === "number") return there;
    const result = withHeld(name, before);
    if (result === 0) journal.append({ k: "stand-in", id: there.identity });
    return result;
  }

  function placeCopy(before: Before, name: string, at: string): number {
    if (before.kind === "symlink" || before.kind === "fifo") {
      if (before.kind === "symlink" && before.target === undefined) return -ENOENT;
      const made =
        before.kind === "symlink"
          ? linux.symlink(before.target!, at)
          : linux.mknod(at, "fifo", before.mode & 0o1777, 0);
      return made < 0 ? made : setMetadata(at, before);
    }
    const source = store.openForReading(name);
    if (source < 0) return source;
    const directory = at.slice(0, at.lastIndexOf("/")) || "/";
    const fd = linux.open(directory, OPEN.write | OPEN.temporary, 0o600, 0);
    let result = fd;
    if (fd >= 0) {
      result = copyAll(fd, source);
      if (result === 0) result = setMetadata(fd, before);
      const made = look(fd);
      if (typeof made !== "number") journal.append({ k: "stand-in", id: made.identity });
      if (result === 0) result = linux.linkDescriptor(process.pid, fd, at);
      linux.close(fd);
    }
    linux.close(source);
    return result;
  }

  function copyIn(at: string, name: string): void {
    const source = linux.open(at, OPEN.read, 0, 0);
    if (source < 0) return;
    const target = store.create(name);
    if (target >= 0) {
      copyAll(target, source);
      linux.close(target);
    }
    linux.close(source);
  }

  /** Further names that an object had in the store would count as links of it. */
  function dropSpares(node: Node): void {
    for (const { n, how } of node.stored) if (how === "moved") store.remove(String(n));
  }

  /** An object that is where it was: its content, then its metadata. */
  function putBack(node: Node): void {
    const slot = places.get(node);
    const at = slot === undefined ? null : path(slot);
    if (at === null) return;
    const there = look(at);
    if (typeof there === "number") {
      fail(at, "it could not be looked at", there);
      return;
    }
    const result = node.image === null ? setMetadata(at, node.before!) : putContent(node, at, there);
    if (result < 0) fail(at, "its content could not be put back", result);
  }

  function putContent(node: Node, at: string, there: Found): number {
    const { n } = node.image!;
    // A small one stays the file that it is: an earlier run, and a restore of it, know it by that.
    if (typeof n === "number" && there.linkCount === 1 && node.image!.packed === undefined) {
      const prepared = prepare(String(n), node.before!);
      if (prepared === 0) {
        const exchanged = store.exchange(at, String(n), there.inode);
        if (exchanged !== -EXDEV) return exchanged;
      }
    }
    // Further names, or another owner: the file itself has to get its content back. What it holds is kept first.
    copyIn(at, removedName(node));
    const wasMode = there.mode;
    let fd = linux.open(at, OPEN.write | OPEN.truncate, 0, 0);
    if (fd < 0 && linux.chmod(at, wasMode | 0o200) === 0)
      fd = linux.open(at, OPEN.write | OPEN.truncate, 0, 0);
    if (fd < 0) return fd;
    let result = 0;
    if (typeof n === "number") {
      const source = store.openForReading(String(n));
      result = source < 0 ? source : copyAll(fd, source);
      if (source >= 0) linux.close(source);
    }
    if (result === 0) result = setMetadata(fd, node.before!);
    linux.close(fd);
    return result;
  }

  function finishDirectory(node: Node): void {
    const slot = places.get(node);
    const at = slot === undefined ? null : path(slot);
    if (at === null || node.before === null) return;
    const result = node.timesOnly ? setTimes(at, node.before) : setMetadata(at, node.before);
    if (result < 0) fail(at, "its metadata could not be put back", result);
  }
}
