/** Reads the records of a run, sealed, live or left by a killed broker. Proves nothing: `verifyRun` does. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseBody } from "./checkpoint.ts";
import { AuditError, errnoOf } from "./errors.ts";
import { type AuditRecord, parseRecord } from "./record.ts";
import { scanSegment, segmentNames } from "./scan.ts";
import { CHECKPOINT_FILE } from "./seal.ts";
import { decodeBundle, TILE_WIDTH, tilePath, tileWidth } from "./tiles.ts";

/** `offset` is of the bytes in `file`, which is a path below the log folder. */
export type Entry = {
  readonly index: number;
  readonly file: string;
  readonly offset: number;
  readonly bytes: Buffer;
};

/** The records from leaf `from` on, parsed. Throws INVALID at the first that is not a record. */
export function* readRecords(dir: string, from = 0): Generator<AuditRecord> {
  for (const { bytes } of readEntries(dir, from)) yield parseRecord(bytes);
}

/** The entries from leaf `from` on, up to the last committed one. Throws NOT_FOUND when there is no log. */
export function* readEntries(dir: string, from = 0): Generator<Entry> {
  let next = from;
  if (!isSealed(dir)) {
    try {
      for (const entry of segmentsFrom(dir, from)) {
        yield entry;
        next = entry.index + 1;
      }
      // Sealing may have removed segments before we came to them.
      if (!isSealed(dir)) return;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || !isSealed(dir)) {
        throw errnoOf(error) === "ENOENT"
          ? new AuditError("NOT_FOUND", `Cannot read the log: nothing in "${dir}"`)
          : error;
      }
    }
  }
  yield* bundlesFrom(dir, next);
}

export function isSealed(dir: string): boolean {
  return existsSync(join(dir, CHECKPOINT_FILE));
}

/** The size that the checkpoint of a sealed log names, unverified. */
export function sealedSize(dir: string): number {
  const text = readFileSync(join(dir, CHECKPOINT_FILE), "utf8");
  return parseBody(text.slice(0, text.lastIndexOf("\n\n") + 1)).size;
}

function* segmentsFrom(dir: string, from: number): Generator<Entry> {
  let index = 0;
  for (const file of segmentNames(dir)) {
    const image = readFileSync(join(dir, file));
    for (const { offset, length } of scanSegment(image).records) {
      if (index >= from) yield { index, file, offset, bytes: image.subarray(offset, offset + length) };
      index++;
    }
  }
}

function* bundlesFrom(dir: string, from: number): Generator<Entry> {
  const size = sealedSize(dir);
  for (let tile = Math.floor(from / TILE_WIDTH); tile * TILE_WIDTH < size; tile++) {
    const file = tilePath("entries", tile, tileWidth(0, tile, size));
    let index = tile * TILE_WIDTH;
    for (const { offset, bytes } of decodeBundle(readFileSync(join(dir, file)))) {
      if (index >= from) yield { index, file, offset, bytes };
      index++;
    }
  }
}
