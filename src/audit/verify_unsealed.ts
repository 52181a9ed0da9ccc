/** Walks the segments of a log that was not sealed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { leafHash } from "./merkle.ts";
import type { Report } from "./problem.ts";
import { scanSegment, segmentNames } from "./scan.ts";
import type { LeafSink } from "./verify_sealed.ts";

/** Gives the bytes of the torn tail. Only the last segment that holds anything may have one. */
export function walkUnsealed(dir: string, onLeaf: LeafSink, report: Report): number {
  let index = 0;
  let torn: { file: string; offset: number; bytes: number } | undefined;
  segmentNames(dir).forEach((file, position) => {
    if (Number(file.slice(8)) !== position) {
      report({ kind: "missing", file, index, detail: "A segment before this one is missing" });
    }
    const image = readFileSync(join(dir, file));
    const scan = scanSegment(image);
    if (torn !== undefined && scan.records.length > 0) {
      report({
        kind: "segment",
        file: torn.file,
        index,
        offset: torn.offset,
        detail: "Records follow a torn one",
      });
      torn = undefined;
    }
    for (const { offset, length } of scan.records) {
      const bytes = image.subarray(offset, offset + length);
      onLeaf(leafHash(bytes), { index, file, offset, bytes });
      index++;
    }
    if (scan.faultOffset >= 0)
      report({ kind: "segment", file, index, offset: scan.faultOffset, detail: `Found ${scan.fault}` });
    if (scan.tornBytes > 0) torn = { file, offset: scan.end, bytes: scan.tornBytes };
  });
  return torn?.bytes ?? 0;
}
