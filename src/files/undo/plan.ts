/** Decides what `undo restore` does, before it does anything. Reads the present through `Present` and changes nothing. */
import type { Found } from "../../platform/staging.ts";
import type { After, Before } from "./entry.ts";
import { type Node, pathOf, placesOf, type Slot, type Tree } from "./tree.ts";

export type Present = {
  /** What stands at the path; null: nothing, or a link on the way. */
  look(path: string): Found | null;
  list(path: string): readonly string[];
  /** SHA-256 of a file's content in hex, or null. */
  hash(path: string): string | null;
  stored(name: string): Found | null;
  storedHash(name: string): string | null;
};

/** What becomes of one path. `reason` is there when it is kept as it is now. */
export type Item = {
  readonly path: string;
  readonly what: "bring back" | "move back" | "remove" | "restore content" | "restore metadata";
  /** Where it is moved from, or went. */
  readonly other?: string;
  readonly state: "todo" | "done" | "kept";
  readonly reason?: string;
};

/** What an item is about: the object of before, and where it, or what took its place, is at present; null: nowhere. */
export type Subject = { readonly was: Node | null; readonly at: string | null };

export type Plan = {
  readonly tree: Tree;
  readonly items: readonly Item[];
  readonly subjects: ReadonlyMap<Item, Subject>;
  /** Names to vacate and to fill. */
  readonly slots: readonly Slot[];
  /** Objects whose content or metadata are put back where they are. */
  readonly nodes: readonly Node[];
  /** Directories whose times are put back, since nobody else has changed them. */
  readonly times: readonly Node[];
  readonly placesNow: ReadonlyMap<Node, Slot>;
  readonly placesBefore: ReadonlyMap<Node, Slot>;
  /** Where directories are at present. */
  readonly actual: ReadonlyMap<Node, Slot>;
};

type Verdict = { state: "todo" | "done" | "kept"; reason: string };

/** `only`: paths to which the plan is limited, with what can not be put back without them; empty for all. */
export function makePlan(tree: Tree, present: Present, only: readonly string[] = []): Plan {
  const placesNow = placesOf(tree, "now");
  const placesBefore = placesOf(tree, "before");
  const slotsNow = grouped(tree.slots, "now");
  const slotsBefore = grouped(tree.slots, "before");
  const nowPath = (slot: Slot): string | null => pathOf(slot, placesNow, tree.root);
  const beforePath = (slot: Slot): string | null => pathOf(slot, placesBefore, tree.root);
  const actual = actualPlaces();
  const actualPath = (slot: Slot): string | null => pathOf(slot, actual, tree.root);
  const changed = tree.slots.filter((slot) => slot.before !== slot.now && isReachable(slot));
  const touched = tree.nodes.filter(
    (node) => node.origin === "before" && !node.timesOnly && placesNow.has(node),
  );
  const chosen = only.length === 0 ? null : closure();
  const verdicts = new Map<Slot, Verdict>();
  const nodeVerdicts = new Map<Node, Verdict>();

  for (const node of touched) {
    if (chosen === null || chosen.nodes.has(node)) nodeVerdicts.set(node, judgeNode(node));
  }
  for (const slot of changed) {
    if (chosen === null || chosen.slots.has(slot)) verdicts.set(slot, judgeSlot(slot));
    else verdicts.set(slot, { state: "kept", reason: "" });
  }
  while (propagate()) {
    // Until nothing more is held up by something that is kept.
  }
  const slots = changed.filter((slot) => verdicts.get(slot)!.state === "todo");
  const nodes = touched.filter((node) => nodeVerdicts.get(node)?.state === "todo");
  const subjects = new Map<Item, Subject>();
  return {
    tree,
    items: itemsOf(),
    subjects,
    slots,
    nodes,
    times: timesOf(),
    placesNow,
    placesBefore,
    actual,
  };

  /** A name in a directory that the run made and removed again is nobody's concern. */
  function isReachable(slot: Slot): boolean {
    return slot.parent.origin === "before" || slot.parent === tree.root || nowPath(slot) !== null;
  }

  /**
   * Where directories are at present: where the run left them, or where a restore has put them already. One that was removed is where one
   * stands in its place.
   */
  function actualPlaces(): Map<Node, Slot> {
    const places = new Map(placesNow);
    for (const [node, slot] of placesBefore) {
      if (node.kind !== "directory" || placesNow.get(node) === slot) continue;
      const left = placesNow.get(node);
      const leftAt = left === undefined ? null : pathOf(left, places, tree.root);
      if (leftAt !== null && isSameAs(node, present.look(leftAt))) continue;
      const old = pathOf(slot, places, tree.root);
      const there = old === null ? null : present.look(old);
      const isBack = left === undefined ? there?.kind === "directory" : isSameAs(node, there);
      if (isBack) places.set(node, slot);
      else if (isParked(node)) places.delete(node);
    }
    return places;
  }

  function isSameAs(node: Node, there: Found | null): boolean {
    return there !== null && isSame(node, there);
  }

  function judgeSlot(slot: Slot): Verdict {
    const path = actualPath(slot);
    const there = see(slot);
    const { before, now } = slot;
    if (before !== null && there !== null && isSame(before, there)) return { state: "done", reason: "" };
    if (now === null) {
      if (there === null || (isRemovedDirectory(before) && there.kind === "directory")) return todo();
      return kept("something else is there now");
    }
    if (there === null) {
      if (before === null) return { state: "done", reason: "" };
      if (isParked(now) || isHome(now)) return todo();
      return leftAt(slot)?.id === null ? todo() : kept("what the run left there is gone");
    }
    const left = leftAt(slot);
    const id = now.id ?? left?.id ?? there.identity;
    if (left?.id === null || id !== there.identity) return kept("something else is there now");
    if (now.kind === "directory") return now.origin === "made" ? judgeMadeDirectory(now, path ?? "") : todo();
    return isAsLeft(left, path ?? "", there) ? (nodeProblem(now) ?? todo()) : kept("changed since the run");
  }

  function leftAt(slot: Slot): After | undefined {
    const path = nowPath(slot);
    return path === null ? undefined : tree.after.get(path);
  }

  function nodeProblem(node: Node): Verdict | null {
    const verdict = nodeVerdicts.get(node);
    return verdict?.state === "kept" ? verdict : null;
  }

  function judgeMadeDirectory(node: Node, path: string): Verdict {
    const foreign = present.list(path).find((name) => !node.slots.has(name));
    return foreign === undefined ? todo() : kept(`it holds "${foreign}", which the run did not put there`);
  }

  /** An object that is still where it was, with other content or metadata. */
  function judgeNode(node: Node): Verdict {
    const [path, there] = whereIs(node);
    if (path === null || there === null) return isParked(node) ? todo() : kept("it is gone");
    if (tree.standIns.has(there.identity)) return { state: "done", reason: "" };
    if (tree.restoring.has(there.identity)) return todo();
    if (node.id !== null && there.identity !== node.id) return kept("something else is there now");
    if (node.image?.n === "lost") return kept("its content from before could not be read");
    if (isAsLeft(leftAt(placesNow.get(node)!), path, there)) return todo();
    if (node.kind === "directory")
      return hasMetadata(node.before!, there) ? { state: "done", reason: "" } : kept("changed since the run");
    if (hasContent(node, path, there) && hasMetadata(node.before!, there))
      return { state: "done", reason: "" };
    return kept("changed since the run");
  }

  /** Where an object is that was not removed: where the run left it, or where a restore has put it. */
  function whereIs(node: Node): [string | null, Found | null] {
    const left = placesNow.get(node)!;
    const there = see(left);
    if (there !== null && isSame(node, there)) return [actualPath(left) ?? "", there];
    const home = placesBefore.get(node);
    const back = home === undefined || home === left ? null : see(home);
    if (back !== null && isSame(node, back)) return [actualPath(home!) ?? "", back];
    return [actualPath(left), there];
  }

  function isAsLeft(left: After | undefined, path: string, there: Found): boolean {
    // A run that was never sealed: what is there now stands for what it left.
    if (left === undefined) return tree.sealed === "no";
    if (left.id !== there.identity) return false;
    if (left.ctime[0] === there.changed[0] && left.ctime[1] === there.changed[1]) return true;
    return left.hash !== undefined && left.size === there.sizeBytes && present.hash(path) === left.hash;
  }

  function hasContent(node: Node, path: string, there: Found): boolean {
    if (node.image === null) return true;
    if (there.sizeBytes !== node.image.before.size) return false;
    const { n } = node.image;
    return n === "empty" || (typeof n === "number" && present.hash(path) === present.storedHash(String(n)));
  }

  function isSame(node: Node, there: Found): boolean {
    return node.id === there.identity || tree.standIns.has(there.identity);
  }

  /** Says whether an interrupted restore has put it aside. */
  function isParked(node: Node): boolean {
    const name = node.origin === "made" ? removedName(node) : parkedName(node);
    const there = present.stored(name);
    return there !== null && (node.id === null || there.identity === node.id);
  }

  /** Says whether an interrupted restore has put it back already. */
  function isHome(node: Node): boolean {
    return slotsBefore.get(node)?.some((slot) => slot.now !== node && isSameAs(node, see(slot))) ?? false;
  }

  /** What stands in a slot at present; an interrupted restore may have put the directory aside, with everything in it. */
  function see(slot: Slot): Found | null {
    let name = slot.name;
    for (let at = slot.parent; at !== tree.root; ) {
      const up = actual.get(at);
      if (up === undefined) return isParked(at) ? present.stored(`${parkedName(at)}/${name}`) : null;
      name = `${up.name}/${name}`;
      at = up.parent;
    }
    return present.look(`/${name}`);
  }

  function isRemovedDirectory(node: Node | null): node is Node {
    return node !== null && node.kind === "directory" && node.origin === "before" && !placesNow.has(node);
  }

  /** One round: what depends on something kept is kept. Says whether anything changed. */
  function propagate(): boolean {
    let more = false;
    for (const slot of changed) {
      if (verdicts.get(slot)!.state !== "todo") continue;
      const reason = obstacle(slot);
      if (reason === null) continue;
      verdicts.set(slot, kept(reason));
      more = true;
    }
    return more;
  }

  function obstacle(slot: Slot): string | null {
    const { before, now, parent } = slot;
    const isKept = (other: Slot): boolean => verdicts.get(other)?.state === "kept";
    if (now?.origin === "before") {
      const home = slotsBefore.get(now)?.find((other) => other.now !== now && isKept(other));
      if (home !== undefined) return `its old place "${beforePath(home) ?? home.name}" is taken`;
    }
    if (
      now?.origin === "made" &&
      now.kind === "directory" &&
      [...now.slots.values()].some((inner) => inner.now !== null && isKept(inner))
    )
      return "it holds what is kept";
    if (before !== null && !isObtainable(before, isKept)) {
      return before.stored.length > 0 && before.kind !== "directory"
        ? "its content from before was not kept"
        : "what stood there before can not be had back";
    }
    if (isRemovedDirectory(parent)) {
      const home = placesBefore.get(parent);
      if (home !== undefined && isKept(home)) return "its directory can not be brought back";
    }
    return null;
  }

  function isObtainable(node: Node, isKept: (slot: Slot) => boolean): boolean {
    if (node.stored.some(({ n, how, before }) => isStored(n, how, before))) return true;
    if (isParked(node)) return true;
    if (isRemovedDirectory(node)) return node.before !== null;
    return slotsNow.get(node)?.some((slot) => slot.before === node || !isKept(slot)) ?? false;
  }

  function isStored(n: number, how: "moved" | "copied", before: Before): boolean {
    if (how === "copied" && before.kind !== "file")
      return before.kind === "fifo" || before.target !== undefined;
    return present.stored(String(n)) !== null;
  }

  function timesOf(): Node[] {
    return tree.nodes.filter((node) => {
      if (node.kind !== "directory" || node.origin === "made" || node.before === null) return false;
      const slot = actual.get(node);
      if (slot === undefined) return isParked(node);
      const there = see(slot);
      if (there !== null && tree.restoring.has(there.identity)) return true;
      if (!node.timesOnly) return false;
      if (there === null || !isSame(node, there)) return isParked(node);
      const left = placesNow.get(node);
      return left !== undefined && isAsLeft(leftAt(left), actualPath(slot) ?? "", there);
    });
  }

  function itemsOf(): Item[] {
    const items: Item[] = [];
    const note = (item: Item, was: Node | null, slot: Slot): void => {
      items.push(item);
      subjects.set(item, { was, at: actualPath(slot) });
    };
    for (const slot of changed) {
      const verdict = verdicts.get(slot)!;
      if (chosen !== null && !chosen.slots.has(slot)) continue;
      const path = beforePath(slot) ?? nowPath(slot) ?? slot.name;
      const { before, now } = slot;
      const reason = verdict.state === "kept" ? { reason: verdict.reason } : {};
      if (before === null) {
        // A move shows once, in its old place.
        if (now?.origin === "before" && verdict.state !== "kept") continue;
        note({ path: nowPath(slot) ?? path, what: "remove", state: verdict.state, ...reason }, null, slot);
        continue;
      }
      const from = slotsNow.get(before)?.find((other) => other !== slot);
      const other = from === undefined ? null : nowPath(from);
      const what = other === null ? "bring back" : "move back";
      const where = other === null ? {} : { other };
      note({ path, what, ...where, state: verdict.state, ...reason }, before, slot);
    }
    for (const [node, verdict] of nodeVerdicts) {
      const slot = placesNow.get(node)!;
      const path = nowPath(slot) ?? slot.name;
      const reason = verdict.state === "kept" ? { reason: verdict.reason } : {};
      const what = node.image === null ? "restore metadata" : "restore content";
      const item = { path, what, state: verdict.state, ...reason } as const;
      items.push(item);
      subjects.set(item, { was: node, at: whereIs(node)[0] });
    }
    return items.sort((one, two) => (one.path < two.path ? -1 : one.path > two.path ? 1 : 0));
  }

  function closure(): { slots: Set<Slot>; nodes: Set<Node> } {
    const isChosen = (path: string | null): boolean =>
      path !== null && only.some((one) => path === one || path.startsWith(`${one}/`));
    const slots = new Set(changed.filter((slot) => isChosen(nowPath(slot)) || isChosen(beforePath(slot))));
    const nodes = new Set(
      touched.filter((node) => isChosen(nowPath(placesNow.get(node)!)) || isChosen(beforePathOf(node))),
    );
    const isTouched = new Set(touched);
    // A set grows while it is gone through.
    for (const slot of slots) {
      const { before, now, parent } = slot;
      const linked = [
        ...(before === null ? [] : (slotsNow.get(before) ?? [])),
        ...(now?.origin === "before" ? (slotsBefore.get(now) ?? []) : []),
        ...(now?.origin === "made" ? now.slots.values() : []),
        ...(isRemovedDirectory(parent) ? (slotsBefore.get(parent) ?? []) : []),
      ];
      for (const other of linked) if (other.before !== other.now && isReachable(other)) slots.add(other);
      for (const node of [before, now]) if (node !== null && isTouched.has(node)) nodes.add(node);
    }
    return { slots, nodes };
  }

  function beforePathOf(node: Node): string | null {
    const slot = placesBefore.get(node);
    return slot === undefined ? null : beforePath(slot);
  }
}

function grouped(slots: readonly Slot[], view: "before" | "now"): Map<Node, Slot[]> {
  const groups = new Map<Node, Slot[]>();
  for (const slot of slots) {
    const node = slot[view];
    if (node === null) continue;
    const group = groups.get(node);
    if (group === undefined) groups.set(node, [slot]);
    else group.push(slot);
  }
  return groups;
}

/** Where an object of before is put aside while others move; where one that the run made goes for good. */
export function parkedName(node: Node): string {
  return `parked-${node.number}`;
}

export function removedName(node: Node): string {
  return `removed-${node.number}`;
}

export function hasMetadata(before: Before, there: Found): boolean {
  return (
    before.mode === there.mode &&
    before.uid === there.uid &&
    before.gid === there.gid &&
    before.mtime[0] === there.modified[0] &&
    before.mtime[1] === there.modified[1]
  );
}

function todo(): Verdict {
  return { state: "todo", reason: "" };
}

function kept(reason: string): Verdict {
  return { state: "kept", reason };
}
