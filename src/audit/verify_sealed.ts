/** Compares the stored bundles and tiles of a sealed log with each other. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AuditError, errnoOf } from "./errors.ts";
import { HASH_BYTES, leafHash } from "./merkle.ts";
import type { Problem, Report } from "./problem.ts";
import type { Entry } from "./read.ts";
import { decodeBundle, TILE_WIDTH, tileCutter, tilePath, tilesOf, tileWidth } from "./tiles.ts";

/** Gets each leaf in order; `entry` is undefined when only its stored hash can be read. */
export type LeafSink = (leaf: Buffer, entry: Entry | undefined) => void;

/** A stored hash that is not that of the entries, and the entry when the hash is a leaf. */
export type Difference = { readonly tile: Problem; readonly entry: Problem | undefined };

/**
 * Walks a sealed log of `size` leaves: entries to `onLeaf`, structural faults to `report`. Gives the places where a stored
 * hash differs from the one of the entries; which of the two is wrong only the signed root tells.
 */
export function walkSealed(dir: string, size: number, onLeaf: LeafSink, report: Report): Difference[] {
  const differences: Difference[] = [];
  // Of the current bundle, whose tile the cutter gives before the next one begins.
  let entries: (Entry | undefined)[] = [];
  const cutter = tileCutter((level, index, hashes) => {
    const file = tilePath(level, index, hashes.length / HASH_BYTES);
    const stored = read(dir, file, report, level === 0 ? index * TILE_WIDTH : undefined);
    if (stored === undefined) return;
    const length = Math.min(stored.length, hashes.length);
    if (stored.length !== hashes.length) {
      report({ kind: "tile", file, offset: length, detail: "The tile has a wrong length" });
    }
    for (let at = 0; at + HASH_BYTES <= length; at += HASH_BYTES) {
      if (stored.compare(hashes, at, at + HASH_BYTES, at, at + HASH_BYTES) === 0) continue;
      let offset = at;
      while (stored[offset] === hashes[offset]) offset++;
      const detail = "The stored hash is not that of the entries";
      const entry = level === 0 ? entries[at / HASH_BYTES] : undefined;
      differences.push({ tile: { kind: "tile", file, offset, detail }, entry: entry && alteredEntry(entry) });
    }
  });
  for (let bundle = 0; tileWidth(0, bundle, size) > 0; bundle++) {
    entries = [];
    const keep: LeafSink = (leaf, entry) => {
      entries.push(entry);
      onLeaf(leaf, entry);
    };
    const leaves = walkBundle(dir, bundle, tileWidth(0, bundle, size), keep, report);
    if (leaves === undefined) return differences;
    for (const leaf of leaves) cutter.add(leaf);
  }
  cutter.finish();
  reportExtra(dir, size, report);
  return differences;
}

function alteredEntry({ file, offset, index }: Entry): Problem {
  return { kind: "entry", file, offset, index, detail: "The entry is not the one whose hash was signed" };
}

/** The leaf hashes of one bundle, or undefined when neither the bundle nor its tile can be read. */
function walkBundle(
  dir: string,
  bundle: number,
  width: number,
  onLeaf: LeafSink,
  report: Report,
): Buffer[] | undefined {
  const first = bundle * TILE_WIDTH;
  const file = tilePath("entries", bundle, width);
  const bytes = read(dir, file, report, first);
  const leaves: Buffer[] = [];
  let end = 0;
  try {
    for (const { offset, bytes: entry } of bytes === undefined ? [] : decodeBundle(bytes)) {
      if (leaves.length === width) {
        report({
          kind: "entry",
          file,
          offset: offset - 2,
          index: first + width,
          detail: "More entries than signed",
        });
        return leaves;
      }
      const leaf = leafHash(entry);
      onLeaf(leaf, { index: first + leaves.length, file, offset, bytes: entry });
      leaves.push(leaf);
      end = offset + entry.length;
    }
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
  }
  if (leaves.length === width) {
    if (bytes !== undefined && end !== bytes.length) {
      report({
        kind: "entry",
        file,
        offset: end,
        index: first + width,
        detail: "Bytes behind the last entry",
      });
    }
    return leaves;
  }
  if (bytes !== undefined) {
    report({
      kind: "entry",
      file,
      offset: end,
      index: first + leaves.length,
      detail: "The bundle ends before the signed size",
    });
  }
  const path = join(dir, tilePath(0, bundle, width));
  const stored = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  while (leaves.length < width) {
    const at = leaves.length * HASH_BYTES;
    if (at + HASH_BYTES > stored.length) return undefined;
    const leaf = Buffer.from(stored.subarray(at, at + HASH_BYTES));
    onLeaf(leaf, undefined);
    leaves.push(leaf);
  }
  return leaves;
}

function read(dir: string, file: string, report: Report, index: number | undefined): Buffer | undefined {
  try {
    return readFileSync(join(dir, file));
  } catch (error) {
    if (!["ENOENT", "ENOTDIR", "EISDIR"].includes(errnoOf(error))) throw error;
    report({
      kind: "missing",
      file,
      ...(index === undefined ? {} : { index }),
      detail: `Cannot read "${file}": ${errnoOf(error)}`,
    });
    return undefined;
  }
}

function reportExtra(dir: string, size: number, report: Report): void {
  const expected = new Set<string>();
  for (const { level, index, width } of tilesOf(size)) expected.add(tilePath(level, index, width));
  if (!existsSync(join(dir, "tile"))) return;
  for (const found of readdirSync(join(dir, "tile"), { recursive: true, withFileTypes: true })) {
    const file = `${found.parentPath}/${found.name}`.slice(dir.length + 1);
    if (!found.isDirectory() && !expected.has(file))
      report({ kind: "extra", file, detail: "Not part of this log" });
  }
}
