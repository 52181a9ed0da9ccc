/** Replays an undo journal into what was where before the run, and what is where after it. Pure, but for `unpack`. */
import type { Packed, Store } from "../../platform/staging.ts";
import type { Stat } from "../../protocol/message.ts";
import type { After, Before, Displaced, Entry, Image } from "./entry.ts";

/** One object. A directory is itself wherever it is moved, and so is everything in it. */
export type Node = {
  /** Tells nodes apart from one replay of a journal to the next. */
  readonly number: number;
  readonly kind: Stat["kind"];
  /** "made": the run brought it. */
  readonly origin: "before" | "made";
  id: string | null;
  readonly slots: Map<string, Slot>;
  /** Where its content from before lies. */
  image: { readonly n: Image; readonly before: Before; readonly packed: Packed | undefined } | null;
  /** What it was before its metadata changed. */
  before: Before | null;
  /** Only its times changed, because its entries did. */
  timesOnly: boolean;
  /** The names that it has in the store, oldest first. */
  readonly stored: Displaced[];
};

/** A name in a directory. */
export type Slot = {
  readonly parent: Node;
  readonly name: string;
  readonly before: Node | null;
  now: Node | null;
};

export type Begin = Extract<Entry, { k: "begin" }>;

export type Tree = {
  readonly begin: Begin;
  readonly root: Node;
  /** Every name that the journal speaks of, in the order of its first mention. */
  readonly slots: readonly Slot[];
  readonly nodes: readonly Node[];
  /** What the run left, by path; empty when it was never sealed. */
  readonly after: ReadonlyMap<string, After>;
  readonly sealed: "end" | "late" | "no";
  /** Objects that an interrupted restore may have changed in part. */
  readonly restoring: ReadonlySet<string>;
  /** Copies that a restore put in the place of their originals. */
  readonly standIns: ReadonlySet<string>;
  readonly restored: Extract<Entry, { k: "restored" }> | null;
};

/** The journal must start with its `begin`. */
export function replay(entries: readonly Entry[]): Tree {
  const [begin] = entries;
  if (begin?.k !== "begin") throw new TypeError("not an undo journal");
  const slots: Slot[] = [];
  const nodes: Node[] = [];
  const after = new Map<string, After>();
  const restoring = new Set<string>();
  const standIns = new Set<string>();
  let sealed: Tree["sealed"] = "no";
  let restored: Tree["restored"] = null;
  const node = (kind: Node["kind"], origin: Node["origin"], id: string | null): Node => {
    const fresh: Node = {
      number: nodes.length,
      kind,
      origin,
      id,
      slots: new Map(),
      image: null,
      before: null,
      timesOnly: true,
      stored: [],
    };
    nodes.push(fresh);
    return fresh;
  };
  const root = node("directory", "before", null);
  /** `there`: what stood in a place that is seen for the first time. */
  const slotIn = (parent: Node, name: string, there: () => Node | null): Slot => {
    const known = parent.slots.get(name);
    if (known !== undefined) return known;
    const first = there();
    // Whatever lies in a directory that the run made came with the run.
    const before = parent.origin === "made" || first?.origin === "made" ? null : first;
    const slot: Slot = { parent, name, before, now: first };
    parent.slots.set(name, slot);
    slots.push(slot);
    return slot;
  };
  const directoryAt = (path: string): Node => {
    let at = root;
    for (const name of path.split("/").slice(1)) {
      if (name === "") continue;
      const parent = at;
      const origin = parent.origin;
      const slot = slotIn(parent, name, () => node("directory", origin, null));
      slot.now ??= node("directory", origin, null);
      at = slot.now;
    }
    return at;
  };
  const slotAt = (path: string, there: () => Node | null): Slot => {
    const cut = path.lastIndexOf("/");
    return slotIn(directoryAt(path.slice(0, cut)), path.slice(cut + 1), there);
  };
  /** What stands at the path, which the journal says is there. */
  const nodeAt = (path: string, kind: Node["kind"], id: string): Node => {
    const slot = slotAt(path, () => node(kind, "before", id));
    slot.now ??= node(kind, "made", id);
    slot.now.id ??= id;
    return slot.now;
  };
  const void_ = new Set(entries.flatMap((entry) => (entry.k === "void" ? [entry.s] : [])));
  const madeBy = new Map<number, Node>();
  const displace = (path: string, old: Displaced): void => {
    const slot = slotAt(path, () => node(old.before.kind, "before", old.id));
    const gone = slot.now;
    slot.now = null;
    if (gone === null) return;
    gone.id ??= old.id;
    if (gone.origin === "before" && old.n >= 0) gone.stored.push(old);
    if (gone.origin === "before" && old.n < 0) {
      gone.before ??= old.before;
      gone.timesOnly = false;
    }
  };
  const put = (path: string, what: Node): void => {
    slotAt(path, () => null).now = what;
  };
  entries.forEach((entry, line) => {
    if (void_.has(line)) return;
    switch (entry.k) {
      case "begin":
      case "void":
        break;
      case "dir": {
        const directory = directoryAt(entry.p);
        directory.id ??= entry.id;
        directory.before ??= entry.before;
        break;
      }
      case "make": {
        const made = node(entry.kind, "made", null);
        madeBy.set(line, made);
        put(entry.p, made);
        break;
      }
      case "made": {
        const made = madeBy.get(entry.s);
        if (made !== undefined) made.id = entry.id;
        break;
      }
      case "swap":
        displace(entry.p, entry.old);
        put(entry.p, node("file", "made", entry.to));
        break;
      case "image": {
        const changed = nodeAt(entry.p, "file", entry.id);
        changed.image ??= { n: entry.n, before: entry.before, packed: entry.packed };
        changed.before ??= entry.before;
        changed.timesOnly = false;
        break;
      }
      case "meta": {
        const changed = nodeAt(entry.p, entry.before.kind, entry.id);
        changed.before ??= entry.before;
        changed.timesOnly = false;
        break;
      }
      case "remove":
        displace(entry.p, entry.old);
        break;
      case "rename": {
        const slot = slotAt(entry.p, () =>
          node(entry.kind, entry.from === "untracked" ? "made" : "before", entry.id),
        );
        const moved = slot.now ?? node(entry.kind, "made", entry.id);
        slot.now = null;
        moved.id ??= entry.id;
        if (entry.old !== undefined) displace(entry.to, entry.old);
        put(entry.to, moved);
        break;
      }
      case "exchange": {
        const one = nodeAt(entry.p, entry.kinds[0], entry.ids[0]);
        const two = nodeAt(entry.to, entry.kinds[1], entry.ids[1]);
        put(entry.p, two);
        put(entry.to, one);
        break;
      }
      case "link":
        put(entry.to, nodeAt(entry.p, "file", entry.id));
        break;
      case "after": {
        const { k: _, p, ...state } = entry;
        after.set(p, state);
        break;
      }
      case "sealed":
        sealed = entry.when;
        break;
      case "restoring":
        restoring.add(entry.id);
        break;
      case "stand-in":
        standIns.add(entry.id);
        break;
      case "restored":
        if (entry.why === undefined) restored = entry;
        restoring.clear();
        break;
    }
  });
  return { begin, root, slots, nodes, after, sealed, restoring, standIns, restored };
}

/** Makes files of what is packed in the store, for a restore: it moves them to where they belong. */
export function unpack(tree: Tree, store: Store): void {
  for (const { image, stored } of tree.nodes) {
    const all = [...stored, ...(image === null ? [] : [image])];
    for (const { n, packed } of all)
      if (packed !== undefined && typeof store.look(String(n)) === "number") store.unpack(packed, String(n));
  }
}

/** Where each node is: its first slot, by the given view. */
export function placesOf(tree: Tree, view: "before" | "now"): Map<Node, Slot> {
  const places = new Map<Node, Slot>();
  for (const slot of tree.slots) {
    const node = slot[view];
    if (node !== null && !places.has(node)) places.set(node, slot);
  }
  return places;
}

/** The path of a slot, or null when its directory is nowhere in that view. */
export function pathOf(slot: Slot, places: ReadonlyMap<Node, Slot>, root: Node): string | null {
  const names: string[] = [slot.name];
  for (let at = slot.parent; at !== root; ) {
    const up = places.get(at);
    // A directory can not be its own ancestor; a journal that says so is not ours.
    if (up === undefined || names.length > 4096) return null;
    names.push(up.name);
    at = up.parent;
  }
  return `/${names.reverse().join("/")}`;
}

/** Says whether the run has changed what is, or was, at the path, or something below it. */
export function touches(tree: Tree, path: string): boolean {
  const views = ["before", "now"] as const;
  const places = views.map((view) => placesOf(tree, view));
  return tree.slots.some((slot) => {
    const isChanged = slot.before !== slot.now || (slot.now?.origin === "before" && !slot.now.timesOnly);
    return (
      isChanged &&
      places.some((view) => {
        const at = pathOf(slot, view, tree.root);
        return at !== null && (at === path || at.startsWith(`${path}/`));
      })
    );
  });
}
