/** Third-party vectors: the test log of transparency-dev/tessera. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCheckpoint } from "../../../src/audit/checkpoint.ts";
import { parseVkey } from "../../../src/audit/key.ts";
import { appendLeaf, emptyFrontier, leafHash, rootOf } from "../../../src/audit/merkle.ts";
import {
  consistencyProof,
  hashesOf,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from "../../../src/audit/proof.ts";
import { decodeBundle, encodeBundle, tilePath, tileSource } from "../../../src/audit/tiles.ts";
import { needs } from "../../support/needs.ts";

const LOG = resolve(import.meta.dirname, "../../../../shared/data/tlog/tessera/log");
// The public test key of that log; its id is the one in the signature lines, and all checkpoints verify under it.
const VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
const isThere = existsSync(LOG);

const checkpointOf = (size: number): ReturnType<typeof parseCheckpoint> =>
  parseCheckpoint(readFileSync(join(LOG, `checkpoint.${size}`), "utf8"), parseVkey(VKEY));
const bundleOf = (size: number): Buffer => readFileSync(join(LOG, tilePath("entries", 0, size)));

describe("tessera", () => {
  needs(isThere ? "" : "needs ../shared/data/tlog, this machine has none");
  test("signatures, bundles, tiles and roots of sizes 1 to 15", () => {
    for (let size = 1; size <= 15; size++) {
      const entries = [...decodeBundle(bundleOf(size))].map(({ bytes }) => bytes);
      expect(entries).toHaveLength(size);
      expect(encodeBundle(entries).equals(bundleOf(size))).toBe(true);
      const leaves = entries.map(leafHash);
      expect(readFileSync(join(LOG, tilePath(0, 0, size))).equals(Buffer.concat(leaves))).toBe(true);
      const tree = emptyFrontier();
      for (const leaf of leaves) appendLeaf(tree, leaf);
      const checkpoint = checkpointOf(size);
      expect(checkpoint.size).toBe(size);
      expect(rootOf(tree).equals(checkpoint.root)).toBe(true);
    }
  });

  test("consistency of each step and inclusion of each leaf", () => {
    const leaves = [...decodeBundle(bundleOf(15))].map(({ bytes }) => leafHash(bytes));
    for (let size = 1; size < 15; size++) {
      const proof = consistencyProof(size, size + 1, hashesOf(leaves));
      const [older, newer] = [checkpointOf(size), checkpointOf(size + 1)];
      expect(verifyConsistency(size, size + 1, older.root, newer.root, proof)).toBe(true);
    }
    leaves.forEach((leaf, index) => {
      const path = inclusionProof(index, 15, tileSource(LOG, 15));
      expect(verifyInclusion(index, 15, leaf, path, checkpointOf(15).root)).toBe(true);
    });
  });
});
