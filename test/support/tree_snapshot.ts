import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { attributesOf } from "../../src/platform/staging.ts";

/**
 * All that an undo has to bring back, a line a path: kind, mode, owner, size, time of change, content, attributes with ACLs, and which
 * names are links of one file. Inode numbers and change times are not in it: no program can set them.
 */
export function treeSnapshot(directory: string): string[] {
  const lines: string[] = [];
  const first = new Map<bigint, string>();
  const visit = (path: string, name: string): void => {
    const { ino, mode, uid, gid, nlink, size, mtimeNs } = lstatSync(path, { bigint: true });
    const entry = lstatSync(path);
    const link = entry.isDirectory() ? name : (first.get(ino) ?? name);
    first.set(ino, link);
    const content = entry.isFile()
      ? createHash("sha256").update(readFileSync(path)).digest("hex")
      : entry.isSymbolicLink()
        ? readlinkSync(path)
        : "";
    const found = attributesOf(path);
    const attributes =
      typeof found === "number"
        ? found
        : found.map(([key, value]) => `${key}=${Buffer.from(value).toString("hex")}`).sort();
    const facts = [
      mode.toString(8),
      uid,
      gid,
      entry.isDirectory() ? "" : `${nlink} ${size}`,
      mtimeNs,
      content,
      attributes,
      link,
    ];
    lines.push(`${name}: ${facts.join(" ")}`);
    if (entry.isDirectory())
      for (const child of readdirSync(path).sort()) visit(join(path, child), `${name}/${child}`);
  };
  visit(directory, ".");
  return lines;
}
