/** The SHA-256 Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1): hashes and the growing edge of a tree. */
import * as crypto from "node:crypto";

export const HASH_BYTES = 32;

/** SHA-256, 32 bytes. */
export const sha256: (bytes: Uint8Array) => Buffer =
  typeof crypto.hash === "function"
    ? (bytes) => crypto.hash("sha256", bytes, "buffer")
    : (bytes) => crypto.createHash("sha256").update(bytes).digest();

/** Root of the empty tree: SHA-256 of nothing. */
export const EMPTY_ROOT: Buffer = sha256(Buffer.alloc(0));

/** Hash of a leaf: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Buffer {
  const prefixed = Buffer.allocUnsafe(entry.length + 1);
  prefixed[0] = 0;
  prefixed.set(entry, 1);
  return sha256(prefixed);
}

const scratch = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** Hash of an inner node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  scratch.set(left, 1);
  scratch.set(right, 1 + HASH_BYTES);
  return sha256(scratch);
}

/** The roots of the full subtrees of a growing tree, largest first: all that is needed to append and to know the root. */
export type Frontier = { size: number; readonly hashes: Buffer[] };

export function emptyFrontier(): Frontier {
  return { size: 0, hashes: [] };
}

/** Appends one leaf in place. */
export function appendLeaf(frontier: Frontier, leaf: Buffer): void {
  let hash = leaf;
  for (let rest = frontier.size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
    hash = nodeHash(frontier.hashes.pop()!, hash);
  }
  frontier.hashes.push(hash);
  frontier.size++;
}

/** Root of the tree so far. */
export function rootOf(frontier: Frontier): Buffer {
  const { hashes } = frontier;
  let root = hashes.at(-1) ?? EMPTY_ROOT;
  for (let i = hashes.length - 2; i >= 0; i--) root = nodeHash(hashes[i]!, root);
  return root;
}
