import { SallyportError } from "./errors.ts";
import { MAX_PATH_BYTES } from "./limits.ts";
import { isCleanPath, utf8Bytes } from "./path.ts";

/**
 * Readers of single fields. Each gives the typed value, or throws INVALID that names the field, what it is and what it
 * should be. The values of a refused field are not repeated: they are hostile text.
 */

export type Frame = "request" | "reply" | "hello";

export function invalid(frame: Frame, field: string, value: unknown, expected: string): SallyportError {
  return new SallyportError(
    "INVALID",
    `Cannot parse ${frame}: field "${field}" is ${kindOf(value)}, expected ${expected}`,
    {
      field,
      expected,
    },
  );
}

/** An array with exactly `length` entries. */
export function tuple(frame: Frame, field: string, value: unknown, length: number): readonly unknown[] {
  if (Array.isArray(value) && value.length === length) return value;
  throw invalid(frame, field, value, `an array of ${length}`);
}

export function integer(frame: Frame, field: string, value: unknown, low: number, high: number): number {
  // -0 passes every comparison and would be encoded as another number than it came in.
  if (
    Number.isSafeInteger(value) &&
    (value as number) >= low &&
    (value as number) <= high &&
    !Object.is(value, -0)
  ) {
    return value as number;
  }
  throw invalid(frame, field, value, `an integer ${low} to ${high}`);
}

/** For figures that only inform, such as an inode above 2^53. */
export function figure(frame: Frame, field: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalid(frame, field, value, "a finite number");
}

/** Text without NUL, since the kernel would read it only so far. */
export function text(
  frame: Frame,
  field: string,
  value: unknown,
  lowBytes: number,
  highBytes: number,
): string {
  if (typeof value === "string" && !value.includes("\0")) {
    const bytes = utf8Bytes(value);
    if (bytes >= lowBytes && bytes <= highBytes) return value;
  }
  throw invalid(frame, field, value, `text of ${lowBytes} to ${highBytes} bytes without NUL`);
}

export function path(frame: Frame, field: string, value: unknown): string {
  if (typeof value === "string" && isCleanPath(value)) return value;
  throw invalid(frame, field, value, `a canonical absolute path of at most ${MAX_PATH_BYTES} bytes`);
}

export function bytes(frame: Frame, field: string, value: unknown): Uint8Array {
  // A copy of its own type: what msgpackr gives is a Buffer.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  throw invalid(frame, field, value, "binary");
}

/** A word by its place in `words`. */
export function word<Word extends string>(
  frame: Frame,
  field: string,
  value: unknown,
  words: readonly Word[],
): Word {
  return words[integer(frame, field, value, 0, words.length - 1)]!;
}

export function texts(
  frame: Frame,
  field: string,
  value: unknown,
  maxCount: number,
  maxBytes: number,
): string[] {
  if (!Array.isArray(value) || value.length > maxCount) {
    throw invalid(frame, field, value, `an array of at most ${maxCount}`);
  }
  return value.map((entry, index) => text(frame, `${field}[${index}]`, entry, 0, maxBytes));
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Uint8Array) return "binary";
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? `the integer ${value}` : `the number ${value}`;
  if (typeof value === "string") return "a string";
  return typeof value;
}
