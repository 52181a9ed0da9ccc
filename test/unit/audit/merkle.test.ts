import fc from "fast-check";
import { expect, test } from "vitest";
import {
  appendLeaf,
  EMPTY_ROOT,
  emptyFrontier,
  leafHash,
  nodeHash,
  rootOf,
} from "../../../src/audit/merkle.ts";
import {
  consistencyProof,
  hashesOf,
  inclusionProof,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from "../../../src/audit/proof.ts";

/** RFC 6962 section 2.1, word for word. */
function naiveRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0]!;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

const leavesOf = (n: number): Buffer[] =>
  Array.from({ length: n }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));

test("the empty root and the first leaf are those of RFC 6962", () => {
  expect(EMPTY_ROOT.toString("hex")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(leafHash(Buffer.alloc(0)).toString("hex")).toBe(
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  );
});

test("the frontier and the subtree source give the naive root", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 600 }), (n) => {
      const leaves = leavesOf(n);
      const frontier = emptyFrontier();
      for (const leaf of leaves) appendLeaf(frontier, leaf);
      const root = naiveRoot(leaves);
      return rootOf(frontier).equals(root) && rootAt(n, hashesOf(leaves)).equals(root);
    }),
    { numRuns: 60 },
  );
});

test("every inclusion proof of every tree up to 40 leaves verifies, and no altered one", () => {
  for (let size = 1; size <= 40; size++) {
    const leaves = leavesOf(size);
    const root = naiveRoot(leaves);
    for (let index = 0; index < size; index++) {
      const path = inclusionProof(index, size, hashesOf(leaves));
      const ok = (i: number, n: number, p: readonly Buffer[]): boolean =>
        verifyInclusion(i, n, leaves[index]!, p, root);
      expect(ok(index, size, path)).toBe(true);
      expect(ok(index, size, [...path, root])).toBe(false);
      if (path.length > 0) expect(ok(index, size, path.slice(1))).toBe(false);
      if (size > 1) expect(ok((index + 1) % size, size, path)).toBe(false);
      expect(ok(size, size, path)).toBe(false);
      expect(verifyInclusion(index, size, leaves[index]!, path, root.subarray(1))).toBe(false);
    }
  }
});

test("every consistency proof of every pair up to 40 verifies, and no altered one", () => {
  const leaves = leavesOf(40);
  const source = hashesOf(leaves);
  for (let second = 0; second <= 40; second++) {
    const newRoot = naiveRoot(leaves.slice(0, second));
    for (let first = 0; first <= second; first++) {
      const oldRoot = naiveRoot(leaves.slice(0, first));
      const proof = consistencyProof(first, second, source);
      expect(verifyConsistency(first, second, oldRoot, newRoot, proof)).toBe(true);
      expect(verifyConsistency(first, second, oldRoot, newRoot, [...proof, newRoot])).toBe(false);
      if (first !== second) expect(verifyConsistency(first, second, newRoot, oldRoot, proof)).toBe(false);
      if (proof.length > 0)
        expect(verifyConsistency(first, second, oldRoot, newRoot, proof.slice(1))).toBe(false);
    }
  }
});

test("proofs of any altered hash are refused", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 300 }),
      fc.nat(),
      fc.nat(),
      fc.nat({ max: 255 }),
      (size, i, at, bit) => {
        const leaves = leavesOf(size);
        const index = i % size;
        const path = inclusionProof(index, size, hashesOf(leaves)).map((hash) => Buffer.from(hash));
        const hash = path[at % path.length]!;
        hash[bit >> 3] = hash[bit >> 3]! ^ (1 << (bit & 7));
        return !verifyInclusion(index, size, leaves[index]!, path, naiveRoot(leaves));
      },
    ),
    { numRuns: 100 },
  );
});
