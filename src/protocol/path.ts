import { SallyportError } from "./errors.ts";
import { MAX_PATH_BYTES } from "./limits.ts";

const SLASH = 47;
const DOT = 46;

/** Length in UTF-8, in bytes; -1 when a surrogate stands alone, since no UTF-8 says that. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 2;
    else if (isPair(unit, text.charCodeAt(i + 1))) {
      bytes += 2;
      i++;
    } else return -1;
  }
  return bytes;
}

/**
 * Whether `path` is the one spelling of an absolute path: no empty, "." or ".." segment, no final "/" except of the root,
 * no NUL, at most MAX_PATH_BYTES of valid UTF-8. Nothing is ever fixed: taking ".." away changes the meaning of a path
 * that crosses a symbolic link. A backslash is a byte like any other on Linux, and so is everything else but "/" and NUL.
 */
export function isCleanPath(path: string): boolean {
  const length = path.length;
  if (length === 0 || length > MAX_PATH_BYTES || path.charCodeAt(0) !== SLASH) return false;
  if (length === 1) return true;
  let start = 1;
  let units = 0;
  for (let i = 1; i <= length; i++) {
    const unit = i === length ? SLASH : path.charCodeAt(i);
    if (unit === SLASH) {
      if (isDotted(path, start, i)) return false;
      start = i + 1;
    } else if (unit === 0) return false;
    units |= unit;
  }
  if (units < 0x80) return true;
  const bytes = utf8Bytes(path);
  return bytes !== -1 && bytes <= MAX_PATH_BYTES;
}

/** Gives `path` back when it is clean; else throws INVALID. */
export function parsePath(path: string): string {
  if (isCleanPath(path)) return path;
  throw new SallyportError(
    "INVALID",
    `Cannot use path ${JSON.stringify(path.slice(0, 200))}: it is not canonical`,
    {
      field: "path",
      expected: 'an absolute path without empty, "." or ".." segments, at most 4096 bytes of UTF-8',
    },
  );
}

function isDotted(path: string, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0) return true;
  if (length > 2 || path.charCodeAt(start) !== DOT) return false;
  return length === 1 || path.charCodeAt(start + 1) === DOT;
}

function isPair(high: number, low: number): boolean {
  return high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
}
