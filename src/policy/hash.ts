/**
 * Open-addressed tables in typed arrays: segment text to its number, and (state, segment number) to the next state. The
 * seed is secret and per process: names come from the sandbox, and known hashes could be made to collide. A table whose
 * longest probe passes MAX_PROBES is built again, larger and with another seed, so that a look-up is bounded.
 */

export const MAX_PROBES = 16;
const MAX_ATTEMPTS = 24;

export type SegmentTable = {
  readonly mask: number;
  readonly start: number;
  readonly factor: number;
  /** Three numbers a slot: hash, first unit in `units`, one more than the segment's number (0: empty slot). */
  readonly slots: Int32Array;
  /** Length in units, by segment number. */
  readonly lengths: Int32Array;
  readonly units: Uint16Array;
};

export type EdgeTable = {
  readonly mask: number;
  readonly factor: number;
  /** Three numbers a slot: state, segment number, next state (0: empty slot, since nothing leads back to the root). */
  readonly slots: Int32Array;
};

/** One step of the segment hash; `finishHash` ends it. Same result in the build and in the walk's own loop. */
export function mixUnit(hash: number, unit: number, factor: number): number {
  const mixed = Math.imul(hash ^ unit, factor);
  return mixed ^ (mixed >>> 15);
}

export function mixEdge(state: number, segment: number, factor: number): number {
  const mixed = Math.imul(Math.imul(state, 0x9e37_79b1) ^ segment, factor);
  return mixed ^ (mixed >>> 15);
}

/** `texts` are distinct; their numbers are their places. */
export function buildSegmentTable(texts: readonly string[], seed: number): SegmentTable {
  const lengths = Int32Array.from(texts, (text) => text.length);
  const units = new Uint16Array(lengths.reduce((sum, length) => sum + length, 0));
  const starts = new Int32Array(texts.length);
  let used = 0;
  texts.forEach((text, number) => {
    starts[number] = used;
    for (let i = 0; i < text.length; i++) units[used++] = text.charCodeAt(i);
  });
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const size = tableSize(texts.length, attempt);
    const { start, factor } = keysOf(seed + attempt);
    const slots = new Int32Array(size * 3);
    const fits = texts.every((text, number) => {
      let hash = start;
      for (let i = 0; i < text.length; i++) hash = mixUnit(hash, text.charCodeAt(i), factor);
      return insert(slots, size - 1, hash, hash, starts[number]!, number + 1);
    });
    if (fits) return { mask: size - 1, start, factor, slots, lengths, units };
  }
  throw new Error("Cannot compile rules: the segment table does not settle");
}

/** `edges` holds state, segment number and next state in turn. */
export function buildEdgeTable(edges: readonly number[], seed: number): EdgeTable {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const size = tableSize(edges.length / 3, attempt);
    const { factor } = keysOf(seed ^ (attempt + 0x5bd1));
    const slots = new Int32Array(size * 3);
    let fits = true;
    for (let i = 0; i < edges.length && fits; i += 3) {
      const state = edges[i]!;
      const segment = edges[i + 1]!;
      fits = insert(slots, size - 1, mixEdge(state, segment, factor), state, segment, edges[i + 2]!);
    }
    if (fits) return { mask: size - 1, factor, slots };
  }
  throw new Error("Cannot compile rules: the edge table does not settle");
}

/** The third number of a slot tells an empty one. */
function insert(slots: Int32Array, mask: number, hash: number, a: number, b: number, c: number): boolean {
  for (let probe = 0; probe < MAX_PROBES; probe++) {
    const slot = ((hash + probe) & mask) * 3;
    if (slots[slot + 2] !== 0) continue;
    slots[slot] = a;
    slots[slot + 1] = b;
    slots[slot + 2] = c;
    return true;
  }
  return false;
}

/** A power of two, at most half full; each third attempt doubles it. */
function tableSize(entries: number, attempt: number): number {
  let size = 8;
  while (size < entries * 2) size *= 2;
  return size * 2 ** Math.floor(attempt / 3);
}

/** Finalizer of MurmurHash3: any two seeds give unrelated keys. An odd factor loses no bit. */
function keysOf(seed: number): { readonly start: number; readonly factor: number } {
  let key = seed | 0;
  key = Math.imul(key ^ (key >>> 16), 0x85eb_ca6b);
  key = Math.imul(key ^ (key >>> 13), 0xc2b2_ae35);
  key ^= key >>> 16;
  return { start: key, factor: Math.imul(key, 0x27d4_eb2f) | 1 };
}
