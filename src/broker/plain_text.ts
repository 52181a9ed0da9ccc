import { closeSync, fstatSync, readSync } from "node:fs";
import type { Platform } from "../platform/platform.ts";
import { OPEN } from "../protocol/message.ts";

const MAX_BYTES = 256 * 1024;

export type PlainText = { readonly text: string; readonly mode: number };

/** A regular file with one name, whole and in UTF-8, of at most 256 KiB; else null. Follows no link and waits for nobody. */
export function readPlainText(path: string, platform: Platform): PlainText | null {
  const fd = platform.open(path, OPEN.read | OPEN.nofollow | OPEN.nonblock, 0, 0);
  if (fd < 0) return null;
  try {
    const { size, nlink, mode } = fstatSync(fd);
    if ((mode & 0o170000) !== 0o100000 || nlink !== 1 || size > MAX_BYTES) return null;
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    if (length > MAX_BYTES) return null;
    return {
      text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length)),
      mode: mode & 0o777,
    };
  } catch {
    // Not UTF-8, or no reading it: nothing to be sure of.
    return null;
  } finally {
    closeSync(fd);
  }
}
