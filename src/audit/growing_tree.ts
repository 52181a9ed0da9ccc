/** The Merkle tree of a journal that is being written: takes what a segment holds as leaves, and knows its root. */
import { AuditError } from "./errors.ts";
import { appendLeaf, type Frontier, HASH_BYTES, rootOf, sha256 } from "./merkle.ts";
import { align4, LENGTH_BYTES } from "./segment.ts";

/** Hashes all records at once: `binding.appendRecords`. */
export type AppendRecords = (
  image: Uint8Array,
  start: number,
  end: number,
  edge: Uint8Array,
  size: number,
) => number;

const MAX_DEPTH = 64;

export class GrowingTree {
  size = 0;
  /** Roots of the full subtrees, largest first: as many as `size` has bits that are set. */
  readonly #edge: Buffer = Buffer.alloc(MAX_DEPTH * HASH_BYTES);
  readonly #appendRecords: AppendRecords;

  constructor(appendRecords: AppendRecords = appendOneByOne) {
    this.#appendRecords = appendRecords;
  }

  /** Appends the records in [start, end) of a segment's image. Throws INTERNAL when these are not records. */
  append(image: Uint8Array, start: number, end: number): void {
    const size = this.#appendRecords(image, start, end, this.#edge, this.size);
    if (size < this.size)
      throw new AuditError("INTERNAL", "Cannot hash the journal: it holds no records there");
    this.size = size;
  }

  root(): Buffer {
    return rootOf(frontierOf(this.#edge, this.size));
  }
}

function appendOneByOne(
  image: Uint8Array,
  start: number,
  end: number,
  edge: Uint8Array,
  size: number,
): number {
  const frontier = frontierOf(edge, size);
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  for (let at = start; at < end; ) {
    const body = at + LENGTH_BYTES;
    const length = view.getUint32(at, true);
    appendLeaf(frontier, sha256(image.subarray(body - 1, body + length)));
    at = align4(body + length);
  }
  for (const [at, hash] of frontier.hashes.entries()) edge.set(hash, at * HASH_BYTES);
  return frontier.size;
}

function frontierOf(edge: Uint8Array, size: number): Frontier {
  const hashes: Buffer[] = [];
  // Not by bit operators, which see 32 bits.
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 0) continue;
    const at = hashes.length * HASH_BYTES;
    hashes.push(Buffer.from(edge.subarray(at, at + HASH_BYTES)));
  }
  return { size, hashes };
}
