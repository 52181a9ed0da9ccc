import { createTwoFilesPatch } from "diff";
import { joinPath } from "../policy/path.ts";
import type { Change } from "./stage_changes.ts";
import { readChunks } from "./stage_object.ts";
import type { Stage } from "./stage_place.ts";

/** A larger file is described by its size and hash. */
const MAX_DIFF_BYTES = 1 << 20;
/** Two texts that differ everywhere would take minutes. */
const TIMEOUT_MS = 2000;
const CONTEXT_LINES = 3;

/**
 * The lines that differ, as `diff -u` shows them; "" where no side has text, null when there is no such text: a side is binary
 * or too large, or the two differ too much. The text is as it is: whoever shows it makes it printable.
 */
export function textDiff(stage: Stage, { path, was, is }: Change): string | null {
  if (was?.kind !== "file" && is?.kind !== "file") return "";
  const before = was?.kind === "file" ? textOf(joinPath(stage.facts.workspace, path), was.sizeBytes) : "";
  const after = is?.kind === "file" ? textOf(joinPath(stage.upper, path), is.sizeBytes) : "";
  if (before === null || after === null) return null;
  if (before === after) return "";
  const from = was?.kind === "file" ? `a/${path}` : "/dev/null";
  const to = is?.kind === "file" ? `b/${path}` : "/dev/null";
  const patch: string | undefined = createTwoFilesPatch(from, to, before, after, undefined, undefined, {
    context: CONTEXT_LINES,
    timeout: TIMEOUT_MS,
  });
  // The first line is a ruler.
  return patch === undefined ? null : patch.slice(patch.indexOf("---"));
}

function textOf(path: string, sizeBytes: number): string | null {
  if (sizeBytes > MAX_DIFF_BYTES) return null;
  const chunks: Buffer[] = [];
  readChunks(path, (chunk) => chunks.push(Buffer.from(chunk)));
  const bytes = Buffer.concat(chunks);
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // No text in UTF-8.
    return null;
  }
}
