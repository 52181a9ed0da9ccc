/** What stood in the place of an item of a restore before the run, and what stands there now, as texts. */
import { linux } from "../../platform/linux.ts";
import { look, type Store } from "../../platform/staging.ts";
import { OPEN } from "../../protocol/message.ts";
import { asText, MAX_TEXT_BYTES, unifiedDiff } from "../text_diff.ts";
import type { Image } from "./entry.ts";
import type { Item, Subject } from "./plan.ts";
import type { Node } from "./tree.ts";
import { readWhole } from "./whole_file.ts";

/** One side: its text; "none": nothing is there, or no file; "no text": it is binary, or too large. */
export type Side = { readonly text: string } | "none" | "no text";

/** `diff`: as `diff -u` has it, "" for no difference in content; null where a side has no text, or they differ too much. */
export type Shown = { readonly diff: string | null; readonly beforeBytes: number; readonly nowBytes: number };

/** The number in the store of the content from before, "same" where it is what the object still holds. */
export function imageOf(node: Node): Image | "same" {
  if (node.image !== null) return node.image.n;
  const stored = node.stored.find(({ n }) => n >= 0);
  return stored === undefined ? "same" : stored.n;
}

/** How the content of an item differs. null for what has none: a directory, a move, other metadata. */
export function show(item: Item, { was, at }: Subject, store: Store): Shown | null {
  if (item.what === "move back" || item.what === "restore metadata") return null;
  const before = was === null ? "none" : sideBefore(was, store);
  const now = at === null ? "none" : sideNow(at);
  if (before === "none" && now === "none") return null;
  const sizes = { beforeBytes: sizeBefore(was), nowBytes: sizeNow(at) };
  if (before === "no text" || now === "no text") return { diff: null, ...sizes };
  const texts = [before, now].map((side) => (side === "none" ? null : side.text));
  return { diff: unifiedDiff(item.path.slice(1), texts[0]!, texts[1]!), ...sizes };
}

export function sideBefore(node: Node, store: Store): Side {
  if (node.kind === "symlink") return sideOfLink(node, store);
  if (node.kind !== "file") return "none";
  const image = imageOf(node);
  if (image === "empty") return { text: "" };
  if (typeof image !== "number") return "no text";
  return textOf(store.openForReading(String(image)));
}

function sideOfLink({ stored }: Node, store: Store): Side {
  const [old] = stored;
  const target = old === undefined ? null : (old.before.target ?? store.readlink(String(old.n)));
  return target === null ? "none" : { text: `symbolic link to ${target}\n` };
}

export function sideNow(path: string): Side {
  const found = look(path);
  if (typeof found === "number") return "none";
  if (found.kind === "symlink") return { text: `symbolic link to ${linux.readlink(path)}\n` };
  return found.kind === "file" ? textOf(linux.open(path, OPEN.read, 0, 0)) : "none";
}

function textOf(fd: number): Side {
  const bytes = readWhole(fd, MAX_TEXT_BYTES);
  const text = bytes === null ? null : asText(bytes);
  return text === null ? "no text" : { text };
}

function sizeBefore(node: Node | null): number {
  return node?.image?.before.size ?? node?.stored[0]?.before.size ?? 0;
}

function sizeNow(path: string | null): number {
  const found = path === null ? 0 : look(path);
  return typeof found === "number" ? 0 : found.sizeBytes;
}
