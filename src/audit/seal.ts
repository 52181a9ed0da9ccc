/** Turns the segments of a finished log into C2SP tiles. */
import { closeSync, fsync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import type { Checkpoint } from "./checkpoint.ts";
import { AuditError } from "./errors.ts";
import { appendLeaf, emptyFrontier, leafHash, rootOf } from "./merkle.ts";
import { scanSegment, segmentNames } from "./scan.ts";
import { decodeBundle, encodeBundle, TILE_WIDTH, tileCutter, tilePath, tilesOf } from "./tiles.ts";

/** Present only in a sealed log. */
export const CHECKPOINT_FILE = "checkpoint";

const sync = promisify(fsync);
const BUILDING = "tile.building";

/**
 * Writes tiles and `checkpoint` below `dir`, reads them back, then removes the segments. Each step is a rename: killed at any
 * point, the log is either still unsealed or sealed, and sealing again works. Throws INTERNAL when the segments do not
 * give the root of the checkpoint.
 */
export async function sealLog(dir: string, checkpoint: Checkpoint): Promise<void> {
  const building = join(dir, BUILDING);
  rmSync(building, { recursive: true, force: true });
  rmSync(join(dir, "tile"), { recursive: true, force: true });
  mkdirSync(building, { mode: 0o700 });
  await writeTiles(dir, building, checkpoint);
  await verifyTiles(building, checkpoint);
  renameSync(join(building, "tile"), join(dir, "tile"));
  await writeFileDurably(join(building, CHECKPOINT_FILE), Buffer.from(checkpoint.text));
  await syncFolder(dir);
  renameSync(join(building, CHECKPOINT_FILE), join(dir, CHECKPOINT_FILE));
  await syncFolder(dir);
  removeLeftovers(dir);
}

/** Removes what a sealed log does not need. */
export function removeLeftovers(dir: string): void {
  for (const name of segmentNames(dir)) rmSync(join(dir, name));
  rmSync(join(dir, BUILDING), { recursive: true, force: true });
}

/** The entries of the segments in `dir`, in order. */
export function* segmentEntries(dir: string): Generator<Buffer> {
  for (const name of segmentNames(dir)) {
    const image = readFileSync(join(dir, name));
    for (const { offset, length } of scanSegment(image).records)
      yield image.subarray(offset, offset + length);
  }
}

async function writeTiles(dir: string, target: string, checkpoint: Checkpoint): Promise<void> {
  const folders = new Set<string>();
  const pending: { path: string; bytes: Buffer }[] = [];
  const put = (path: string, bytes: Buffer): void => {
    pending.push({ path: join(target, path), bytes: Buffer.from(bytes) });
  };
  const drain = async (): Promise<void> => {
    for (const { path } of pending) {
      if (!folders.has(dirname(path))) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      folders.add(dirname(path));
    }
    await Promise.all(pending.splice(0).map(({ path, bytes }) => writeFileDurably(path, bytes)));
  };
  const cutter = tileCutter((level, index, hashes) =>
    put(tilePath(level, index, hashes.length / 32), hashes),
  );
  const tree = emptyFrontier();
  let bundle: Buffer[] = [];
  const endBundle = (): void => {
    put(tilePath("entries", Math.ceil(tree.size / TILE_WIDTH) - 1, bundle.length), encodeBundle(bundle));
    bundle = [];
  };
  for (const entry of segmentEntries(dir)) {
    const leaf = leafHash(entry);
    appendLeaf(tree, leaf);
    cutter.add(leaf);
    bundle.push(entry);
    if (bundle.length < TILE_WIDTH) continue;
    endBundle();
    await drain();
    await nextTurn();
  }
  if (bundle.length > 0) endBundle();
  cutter.finish();
  mkdirSync(join(target, "tile"), { recursive: true, mode: 0o700 });
  await drain();
  await Promise.all([...folders].map(syncFolder));
  if (tree.size !== checkpoint.size || !rootOf(tree).equals(checkpoint.root)) {
    throw new AuditError("INTERNAL", "Cannot seal the log: the segments do not give the signed root");
  }
}

/** Reads every tile back and recomputes the root from the bundles, before the only other copy goes. */
async function verifyTiles(folder: string, checkpoint: Checkpoint): Promise<void> {
  const tree = emptyFrontier();
  for (const { level, index, width } of tilesOf(checkpoint.size)) {
    const bytes = readFileSync(join(folder, tilePath(level, index, width)));
    if (level === "entries") {
      for (const entry of decodeBundle(bytes)) appendLeaf(tree, leafHash(entry.bytes));
      await nextTurn();
    } else if (bytes.length !== width * 32) {
      throw new AuditError("INTERNAL", "Cannot seal the log: a tile came back short");
    }
  }
  if (!rootOf(tree).equals(checkpoint.root)) {
    throw new AuditError("INTERNAL", "Cannot seal the log: the tiles do not give the signed root");
  }
}

async function writeFileDurably(path: string, bytes: Buffer): Promise<void> {
  const fd = openSync(path, "wx", 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

async function syncFolder(path: string): Promise<void> {
  const fd = openSync(path, "r");
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}
