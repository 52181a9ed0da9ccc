import { createHash } from "node:crypto";
import { closeSync, readSync } from "node:fs";
import { linux } from "../../platform/linux.ts";
import { look, type Store } from "../../platform/staging.ts";
import { OPEN } from "../../protocol/message.ts";
import type { Present } from "./plan.ts";

const MAX_ENTRIES = 1_000_000;
const CHUNK_BYTES = 1 << 20;
/** One file is read at a time. */
const chunk = Buffer.allocUnsafe(CHUNK_BYTES);

/** The file system as it is, through names without links and with the authority of the thread. */
export function presentOf(store: Store): Present {
  return {
    look(path) {
      const found = look(path);
      return typeof found === "number" ? null : found;
    },
    list(path) {
      const names = linux.list(path, MAX_ENTRIES);
      return typeof names === "number" ? [] : names;
    },
    hash: (path) => hashOf(linux.open(path, OPEN.read, 0, 0)),
    stored(name) {
      const found = store.look(name);
      return typeof found === "number" ? null : found;
    },
    storedHash: (name) => hashOf(store.openForReading(name)),
  };
}

/** SHA-256 in hex of what is open as `fd`, which is closed; null for a negative number and for what can not be read. */
export function hashOf(fd: number): string | null {
  if (fd < 0) return null;
  const hash = createHash("sha256");
  try {
    for (;;) {
      const length = readSync(fd, chunk);
      if (length === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, length));
    }
  } catch {
    // A directory, or a file that fails: it has no content to compare.
    return null;
  } finally {
    closeSync(fd);
  }
}
