import { closeSync, readSync, writeSync } from "node:fs";

/** Reads at most `maxBytes` of what is open as `fd`, which is closed; null for a negative number, and for more than that. */
export function readWhole(fd: number, maxBytes: number): Buffer | null {
  if (fd < 0) return null;
  const buffer = Buffer.allocUnsafe(maxBytes + 1);
  try {
    let done = 0;
    while (done <= maxBytes) {
      const length = readSync(fd, buffer, done, buffer.length - done, done);
      if (length === 0) return Buffer.from(buffer.subarray(0, done));
      done += length;
    }
    return null;
  } catch {
    // A directory, or a file that fails: there is nothing to be had of it.
    return null;
  } finally {
    closeSync(fd);
  }
}

export function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, done);
}
