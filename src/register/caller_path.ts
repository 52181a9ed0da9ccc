import { posix } from "node:path";
import type { NodeFs } from "./node_fs.ts";

/**
 * The absolute, canonical path that the wire wants, of what a program wrote; null for what has no UTF-8. A ".." behind a symbolic link
 * is not what the text says: so up to there the file system is asked. Throws what Node's realpath throws.
 */
export function callerPath(path: unknown, realpath: NodeFs["realpath"]): string | null {
  const text = typeof path === "string" ? path : textOf(path as Uint8Array);
  if (text === null) return null;
  const absolute = text.startsWith("/") ? text : `${process.cwd()}/${text}`;
  const up = /^(.*\/\.\.)(\/.*)?$/s.exec(absolute);
  if (up === null) return posix.resolve(absolute);
  return posix.resolve(realpath!(up[1], "utf8") as string, `.${up[2] ?? ""}`);
}

function textOf(bytes: Uint8Array): string | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString("utf8");
  return Buffer.from(text).equals(buffer) ? text : null;
}
