import { createHash } from "node:crypto";
import { linux } from "../../platform/linux.ts";
import { look, type Packed, type Store } from "../../platform/staging.ts";
import { OPEN } from "../../protocol/message.ts";
import type { Entry, Image } from "./entry.ts";
import type { UndoJournal } from "./journal.ts";
import { LeftTexts } from "./left_texts.ts";
import { hashOf } from "./present.ts";
import { type Node, pathOf, placesOf, replay, type Slot, type Tree } from "./tree.ts";
import { readWhole } from "./whole_file.ts";

const MAX_HASHED_FILE_BYTES = 1 << 20;
const MAX_HASHED_BYTES = 64 << 20;

/** A file whose content is another than before the run; hashes are SHA-256 in hex, "" above the bound. */
export type ChangedContent = { readonly path: string; readonly before: string; readonly after: string };

export type Sealed = {
  /** Objects and names that can be put back. */
  readonly undoable: number;
  readonly contents: readonly ChangedContent[];
};

/**
 * Finds out whether the last effect of a killed broker came about: every one before it has its successor as a witness. One
 * that did not is declared void, in the journal and in `entries`.
 */
export function settle(entries: Entry[], journal: UndoJournal, store: Store): void {
  const isVoid = new Set(entries.flatMap((entry) => (entry.k === "void" ? [entry.s] : [])));
  const line = entries.findLastIndex((entry) => "p" in entry && entry.k !== "after");
  const last = entries[line];
  if (last === undefined || isVoid.has(line) || happened(last)) return;
  // The second name that a rename over something gives it first.
  if (last.k === "rename" && last.old?.how === "moved" && last.old.n >= 0) store.remove(String(last.old.n));
  journal.append({ k: "void", s: line });
  entries.push({ k: "void", s: line });
}

/** Nothing that an entry takes away can be where it was, once it is taken away. */
function happened(entry: Entry): boolean {
  const stands = (path: string, id: string): boolean => {
    const found = look(path);
    return typeof found !== "number" && found.identity === id;
  };
  switch (entry.k) {
    case "swap":
    case "remove":
      return !stands(entry.p, entry.old.id);
    case "rename":
      return !stands(entry.p, entry.id);
    case "exchange":
      return !stands(entry.p, entry.ids[0]);
    case "link":
      return stands(entry.to, entry.id);
    case "make":
      return typeof look(entry.p) !== "number";
    default:
      return true;
  }
}

/**
 * Writes into the journal what the run left at every path that it touched: what `undo restore` compares the present with. To be called when no process
 * of the run is left, with the run's own authority.
 */
export function seal(
  entries: readonly Entry[],
  journal: UndoJournal,
  store: Store,
  when: "end" | "late",
): Sealed {
  const tree = replay(entries);
  const places = placesOf(tree, "now");
  const contents: ChangedContent[] = [];
  const left = new LeftTexts(store);
  let budget = MAX_HASHED_BYTES;
  const isWithin = (size: number): boolean => {
    if (size > MAX_HASHED_FILE_BYTES || size > budget) return false;
    budget -= size;
    return true;
  };
  const hash = (size: number, open: () => number): string => (isWithin(size) ? (hashOf(open()) ?? "") : "");
  const hashBefore = (n: number, { size, packed }: { size: number; packed: Packed | undefined }): string => {
    if (packed === undefined) return hash(size, () => store.openForReading(String(n)));
    const content = isWithin(size) ? store.packed(packed) : null;
    return content === null ? "" : createHash("sha256").update(content).digest("hex");
  };
  const seen = new Set<string>();
  const note = (slot: Slot, node: Node | null): void => {
    const path = pathOf(slot, places, tree.root);
    if (path === null || seen.has(path)) return;
    seen.add(path);
    const found = look(path);
    if (typeof found === "number") {
      journal.note({ k: "after", p: path, id: null, size: 0, ctime: [0, 0] });
      return;
    }
    const image = found.kind === "file" ? imageOf(slot, node) : null;
    const isRead = image !== null && isWithin(found.sizeBytes);
    const content = isRead ? readWhole(linux.open(path, OPEN.read, 0, 0), found.sizeBytes) : null;
    const after = content === null ? "" : createHash("sha256").update(content).digest("hex");
    const lies = content === null ? null : left.add(content);
    journal.note({
      k: "after",
      p: path,
      id: found.identity,
      size: found.sizeBytes,
      ctime: found.changed,
      ...(after === "" ? {} : { hash: after }),
      ...(lies === null ? {} : { left: lies }),
    });
    if (image === null) return;
    const before =
      image.n === "empty" ? hashOfNothing() : typeof image.n === "number" ? hashBefore(image.n, image) : "";
    // The same where a file was put back at once.
    if (before === "" || before !== after) contents.push({ path, before, after });
  };
  for (const slot of tree.slots) if (slot.before !== slot.now || isTouched(slot.now)) note(slot, slot.now);
  left.close();
  journal.append({ k: "sealed", when, time: Date.now() });
  return { undoable: undoableOf(tree), contents };
}

/** What can be put back: names that stand for something else than before, and objects that changed where they are. */
export function undoableOf(tree: Tree): number {
  const names = tree.slots.filter(
    (slot) => slot.before !== slot.now && (slot.parent.origin === "before" || slot.now !== null),
  );
  const objects = tree.nodes.filter(
    (node) => node.origin === "before" && !node.timesOnly && node.stored.length === 0,
  );
  return names.length + objects.length;
}

function isTouched(node: Node | null): boolean {
  return node !== null && node.origin === "before" && node.before !== null;
}

/** The content that a path had before, when it has another one now. */
function imageOf(
  slot: Slot,
  node: Node | null,
): { n: Image; size: number; packed: Packed | undefined } | null {
  if (node?.image) return { n: node.image.n, size: node.image.before.size, packed: node.image.packed };
  const old = slot.before;
  if (old === null || old === node || old.kind !== "file") return null;
  const [stored] = old.stored;
  return stored === undefined ? null : { n: stored.n, size: stored.before.size, packed: stored.packed };
}

function hashOfNothing(): string {
  return "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
}
