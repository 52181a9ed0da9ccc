/**
 * Looks for a secret in what comes back. It holds back what may be the beginning of it. A server that changes the secret before it
 * sends it (encodes, compresses, cuts it up) is not found out.
 */
export class ReplyScan {
  readonly #secret: Buffer | null;
  #held: Buffer = Buffer.alloc(0);

  constructor(secret: Buffer | null) {
    this.#secret = secret;
  }

  /** What may be passed on by now; "found": nothing more. */
  take(chunk: Buffer): Buffer | "found" {
    if (this.#secret === null) return chunk;
    const all = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (all.includes(this.#secret)) return "found";
    const keep = endsWithBeginning(all, this.#secret);
    this.#held = all.subarray(all.length - keep);
    return all.subarray(0, all.length - keep);
  }

  /** What was held back, once the reply has ended. */
  rest(): Buffer {
    return this.#held;
  }
}

/** How many of the last bytes are the beginning of the secret, at most. */
function endsWithBeginning(bytes: Buffer, secret: Buffer): number {
  for (let size = Math.min(bytes.length, secret.length - 1); size > 0; size--) {
    if (bytes.subarray(bytes.length - size).equals(secret.subarray(0, size))) return size;
  }
  return 0;
}
