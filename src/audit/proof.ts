/** Inclusion and consistency proofs of RFC 6962 section 2.1.1 and 2.1.2, verified as in RFC 9162 section 2.1.3.2 and 2.1.4.2. */
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from "./merkle.ts";

/** Hash of the full subtree number `index` of 2^`level` leaves. */
export type HashSource = (level: number, index: number) => Buffer;

/** A source over leaf hashes in memory. */
export function hashesOf(leaves: readonly Buffer[]): HashSource {
  const levels: Buffer[][] = [[...leaves]];
  for (let below = levels[0]!; below.length > 1; below = levels.at(-1)!) {
    const above: Buffer[] = [];
    for (let i = 0; i + 1 < below.length; i += 2) above.push(nodeHash(below[i]!, below[i + 1]!));
    levels.push(above);
  }
  return (level, index) => {
    const hash = levels[level]?.[index];
    if (hash === undefined) throw new RangeError(`No subtree ${index} at level ${level}`);
    return hash;
  };
}

/** Root of the first `size` leaves. */
export function rootAt(size: number, source: HashSource): Buffer {
  return size === 0 ? EMPTY_ROOT : rangeHash(0, size, source);
}

/** Hashes from the sibling of the leaf up. Needs 0 <= index < size. */
export function inclusionProof(index: number, size: number, source: HashSource): Buffer[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`No leaf ${index} in a tree of ${size}`);
  const path: Buffer[] = [];
  let [low, high] = [0, size];
  while (high - low > 1) {
    const middle = low + splitOf(high - low);
    if (index < middle) {
      path.push(rangeHash(middle, high, source));
      high = middle;
    } else {
      path.push(rangeHash(low, middle, source));
      low = middle;
    }
  }
  return path.reverse();
}

/** Proof that the tree of `first` leaves is a prefix of the one of `second`. Needs 0 <= first <= second. */
export function consistencyProof(first: number, second: number, source: HashSource): Buffer[] {
  if (!(first >= 0 && first <= second)) throw new RangeError(`No tree ${first} in a tree of ${second}`);
  if (first === 0 || first === second) return [];
  const path: Buffer[] = [];
  let [low, high] = [0, second];
  // RFC 6962 SUBPROOF: stops where the old tree ends exactly; its own root is left out when it is a full left edge.
  while (high !== first) {
    const middle = low + splitOf(high - low);
    if (first <= middle) {
      path.push(rangeHash(middle, high, source));
      high = middle;
    } else {
      path.push(rangeHash(low, middle, source));
      low = middle;
    }
  }
  if (low !== 0) path.push(rangeHash(low, high, source));
  return path.reverse();
}

/** True when `leaf` is leaf number `index` of the tree of `size` leaves with this root. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isIndex(index) || !isIndex(size) || index >= size || !areHashes([leaf, root, ...path])) return false;
  let [fn, sn] = [index, size - 1];
  let hash: Buffer = Buffer.from(leaf);
  for (const sibling of path) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && hash.equals(root);
}

/** True when the tree (`first`, `firstRoot`) is a prefix of (`second`, `secondRoot`). */
export function verifyConsistency(
  first: number,
  second: number,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isIndex(first) || !isIndex(second) || first > second) return false;
  if (!areHashes([firstRoot, secondRoot, ...proof])) return false;
  if (first === second) return proof.length === 0 && Buffer.from(firstRoot).equals(secondRoot);
  if (first === 0) return proof.length === 0 && EMPTY_ROOT.equals(firstRoot);
  const path = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof;
  if (path.length === 0) return false;
  let [fn, sn] = [first - 1, second - 1];
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  let older: Buffer = Buffer.from(path[0]!);
  let newer = older;
  for (const hash of path.slice(1)) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      older = nodeHash(hash, older);
      newer = nodeHash(hash, newer);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newer = nodeHash(newer, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && older.equals(firstRoot) && newer.equals(secondRoot);
}

/** Hash of leaves [low, high), where low is a multiple of the largest power of two below the length. */
function rangeHash(low: number, high: number, source: HashSource): Buffer {
  const length = high - low;
  if (isPowerOfTwo(length)) return source(Math.round(Math.log2(length)), low / length);
  const middle = low + splitOf(length);
  return nodeHash(rangeHash(low, middle, source), rangeHash(middle, high, source));
}

/** Largest power of two below `length`, which is at least 2. */
function splitOf(length: number): number {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}

// Not bit operations: those stop at 2^31.
const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;
const isIndex = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
const areHashes = (hashes: readonly Uint8Array[]): boolean => hashes.every((h) => h.length === HASH_BYTES);

function isPowerOfTwo(n: number): boolean {
  let rest = n;
  while (rest > 1 && !isOdd(rest)) rest = half(rest);
  return rest === 1;
}
