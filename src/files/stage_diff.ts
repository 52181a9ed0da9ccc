import { joinPath } from "../policy/path.ts";
import type { Change } from "./stage_changes.ts";
import { readChunks } from "./stage_object.ts";
import type { Stage } from "./stage_place.ts";
import { asText, MAX_TEXT_BYTES, unifiedDiff } from "./text_diff.ts";

/**
 * The lines that differ, as unifiedDiff gives them; "" where no side has text, null when there is no such text: a side is binary or
 * too large, or the two differ too much.
 */
export function textDiff(stage: Stage, { path, was, is }: Change): string | null {
  if (was?.kind !== "file" && is?.kind !== "file") return "";
  const isThere = { before: was?.kind === "file", after: is?.kind === "file" };
  const before = isThere.before ? textOf(joinPath(stage.facts.workspace, path), was!.sizeBytes) : null;
  const after = isThere.after ? textOf(joinPath(stage.upper, path), is!.sizeBytes) : null;
  if ((isThere.before && before === null) || (isThere.after && after === null)) return null;
  return unifiedDiff(path, before, after);
}

function textOf(path: string, sizeBytes: number): string | null {
  if (sizeBytes > MAX_TEXT_BYTES) return null;
  const chunks: Buffer[] = [];
  readChunks(path, (chunk) => chunks.push(Buffer.from(chunk)));
  return asText(Buffer.concat(chunks));
}
