import { createHash } from "node:crypto";
import { closeSync, readSync } from "node:fs";
import type { Store } from "../../platform/staging.ts";
import { asText } from "../text_diff.ts";
import type { After } from "./entry.ts";
import { writeWhole } from "./whole_file.ts";

const NAME = "left";
const MAX_FILE_BYTES = 256 << 10;
const MAX_BYTES = 16 << 20;
const CHUNK_BYTES = 1 << 20;

/**
 * Keeps the short texts that a run left where it changed a file: what a later edit is merged with. All of them in one file of
 * the store, which costs one inode a run.
 */
export class LeftTexts {
  readonly #store: Store;
  #fd = -1;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #bytes = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Where the text will lie, as offset and length; null for what is no text, or too much. */
  add(content: Uint8Array): readonly [number, number] | null {
    if (content.length > MAX_FILE_BYTES || this.#bytes + content.length > MAX_BYTES) return null;
    if (asText(content) === null || !this.#isOpen()) return null;
    const at = this.#bytes;
    this.#waiting.push(content);
    this.#waitingBytes += content.length;
    this.#bytes += content.length;
    if (this.#waitingBytes >= CHUNK_BYTES) this.#flush();
    return [at, content.length];
  }

  /** The texts are written when it returns. */
  close(): void {
    if (this.#fd < 0) return;
    this.#flush();
    closeSync(this.#fd);
    this.#fd = -1;
  }

  #isOpen(): boolean {
    if (this.#fd >= 0) return true;
    // A broker that was killed may have begun it.
    this.#store.remove(NAME);
    this.#fd = this.#store.create(NAME);
    return this.#fd >= 0;
  }

  #flush(): void {
    writeWhole(this.#fd, Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

/** The text that a run left, by its hash; null when it was not kept. */
export function leftText(store: Store, { left, hash }: After): string | null {
  if (left === undefined || hash === undefined) return null;
  const [offset, length] = left;
  const fd = length > MAX_FILE_BYTES ? -1 : store.openForReading(NAME);
  if (fd < 0) return null;
  const bytes = Buffer.alloc(length);
  try {
    for (let done = 0; done < length; ) {
      const got = readSync(fd, bytes, done, length - done, offset + done);
      if (got === 0) return null;
      done += got;
    }
  } finally {
    closeSync(fd);
  }
  return createHash("sha256").update(bytes).digest("hex") === hash ? asText(bytes) : null;
}
