import { createTwoFilesPatch } from "diff";

/** A larger file is described by its size. */
export const MAX_TEXT_BYTES: number = 1 << 20;
/** Two texts that differ everywhere would take minutes. */
const TIMEOUT_MS = 2000;
const CONTEXT_LINES = 3;

/** The bytes as UTF-8, or null for what is no text. */
export function asText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // No text in UTF-8.
    return null;
  }
}

/**
 * The lines that differ, as `diff -u` shows them, "" for none; null when the two differ too much. A side that is null does not
 * exist. The text is as it is: whoever shows it makes it printable.
 */
export function unifiedDiff(path: string, before: string | null, after: string | null): string | null {
  if ((before ?? "") === (after ?? "")) return "";
  const from = before === null ? "/dev/null" : `a/${path}`;
  const to = after === null ? "/dev/null" : `b/${path}`;
  const patch: string | undefined = createTwoFilesPatch(
    from,
    to,
    before ?? "",
    after ?? "",
    undefined,
    undefined,
    {
      context: CONTEXT_LINES,
      timeout: TIMEOUT_MS,
    },
  );
  // The first line is a ruler.
  return patch === undefined ? null : patch.slice(patch.indexOf("---"));
}
