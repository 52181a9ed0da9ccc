/** C2SP tlog-tiles: paths, entry bundles and hash tiles of a log below one folder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AuditError } from "./errors.ts";
import { appendLeaf, emptyFrontier, HASH_BYTES, rootOf } from "./merkle.ts";
import type { HashSource } from "./proof.ts";
import { MAX_ENTRY_BYTES } from "./record.ts";

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

/** "tile/0/x001/234" or "tile/1/000.p/44"; width 256 is a full tile. */
export function tilePath(level: number | "entries", index: number, width: number): string {
  const partial = width === TILE_WIDTH ? "" : `.p/${width}`;
  return `tile/${level}/${indexPath(index)}${partial}`;
}

/** Width of the tile number `index` of `level` in a tree of `size` leaves: 0 to 256. */
export function tileWidth(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

/** Every tile and bundle of a tree of `size` leaves, none of width 0. */
export function* tilesOf(
  size: number,
): Generator<{ level: number | "entries"; index: number; width: number }> {
  for (let index = 0; tileWidth(0, index, size) > 0; index++) {
    yield { level: "entries", index, width: tileWidth(0, index, size) };
  }
  for (let level = 0; tileWidth(level, 0, size) > 0; level++) {
    for (let index = 0; tileWidth(level, index, size) > 0; index++) {
      yield { level, index, width: tileWidth(level, index, size) };
    }
  }
}

/** Each entry with its big-endian uint16 length. */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES)
      throw new AuditError("INVALID", "Cannot bundle an entry above 65535 bytes");
    parts.push(Uint8Array.of(entry.length >> 8, entry.length & 255), entry);
  }
  return Buffer.concat(parts);
}

export type BundleEntry = { readonly offset: number; readonly bytes: Buffer };

/** The entries of a bundle; `offset` is of the first byte behind the length. Throws INVALID with the offset of the bad entry. */
export function* decodeBundle(bundle: Buffer): Generator<BundleEntry> {
  let at = 0;
  while (at < bundle.length) {
    const end = at + 2 <= bundle.length ? at + 2 + bundle.readUInt16BE(at) : Number.POSITIVE_INFINITY;
    if (end > bundle.length)
      throw new AuditError("INVALID", "Cannot read the entry bundle: it ends in an entry", at);
    yield { offset: at + 2, bytes: bundle.subarray(at + 2, end) };
    at = end;
  }
}

/** Called for each tile of a growing tree as soon as it is full, and for the partial ones at the end. */
export type TileSink = (level: number, index: number, hashes: Buffer) => void;

/** Cuts a stream of leaf hashes into tiles; memory is one tile a level. */
export type TileCutter = { add(leaf: Buffer): void; finish(): void };

export function tileCutter(sink: TileSink): TileCutter {
  const levels: { hashes: Buffer; count: number; index: number }[] = [];
  const add = (level: number, hash: Buffer): void => {
    levels[level] ??= { hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), count: 0, index: 0 };
    const tile = levels[level];
    tile.hashes.set(hash, tile.count * HASH_BYTES);
    tile.count++;
    if (tile.count < TILE_WIDTH) return;
    sink(level, tile.index, tile.hashes);
    tile.count = 0;
    tile.index++;
    add(level + 1, rootOfHashes(tile.hashes));
  };
  return {
    add: (leaf) => add(0, leaf),
    finish: () => {
      levels.forEach((tile, level) => {
        if (tile.count > 0) sink(level, tile.index, tile.hashes.subarray(0, tile.count * HASH_BYTES));
      });
    },
  };
}

/** A source of subtree hashes over the tiles of a tree of `size` leaves below `folder`. Throws what reading throws. */
export function tileSource(folder: string, size: number): HashSource {
  const cache = new Map<string, Buffer>();
  return (height, index) => {
    const level = Math.floor(height / 8);
    const span = 2 ** (height - 8 * level);
    const first = index * span;
    const tile = Math.floor(first / TILE_WIDTH);
    const path = tilePath(level, tile, tileWidth(level, tile, size));
    let hashes = cache.get(path);
    if (hashes === undefined) {
      hashes = readFileSync(join(folder, path));
      if (cache.size > 64) cache.clear();
      cache.set(path, hashes);
    }
    const start = (first % TILE_WIDTH) * HASH_BYTES;
    const wanted = hashes.subarray(start, start + span * HASH_BYTES);
    if (wanted.length !== span * HASH_BYTES)
      throw new AuditError("INVALID", `Cannot read the tile "${path}": too short`);
    return rootOfHashes(wanted);
  };
}

function rootOfHashes(hashes: Buffer): Buffer {
  const frontier = emptyFrontier();
  for (let at = 0; at < hashes.length; at += HASH_BYTES) {
    appendLeaf(frontier, Buffer.from(hashes.subarray(at, at + HASH_BYTES)));
  }
  return rootOf(frontier);
}

function indexPath(index: number): string {
  const groups = [String(index % 1000).padStart(3, "0")];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  }
  return groups.join("/");
}
