import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * Removes a tree that a program made, whatever it is like: nothing is followed, directories are made accessible, and each one
 * is moved to the top before its turn comes, so that no path grows with the depth. Nobody else may write to `tree` meanwhile.
 * Throws a system error for what can not be removed.
 */
export function removeTree(tree: string): void {
  if (lstatSync(tree, { throwIfNoEntry: false }) === undefined) return;
  const pending = [tree];
  const heap = join(tree, `removal-${process.pid}`);
  chmodSync(tree, 0o700);
  mkdirSync(heap, { mode: 0o700 });
  let moved = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of readdirSync(directory, { withFileTypes: true, encoding: "buffer" })) {
      const path = Buffer.concat([Buffer.from(`${directory}/`), entry.name]);
      if (path.equals(Buffer.from(heap))) continue;
      if (!entry.isDirectory()) {
        unlinkSync(path);
        continue;
      }
      // rename(2) of a directory writes its "..", which needs its own permission.
      chmodSync(path, 0o700);
      const next = join(heap, String(moved++));
      renameSync(path, next);
      pending.push(next);
    }
    if (directory !== tree) rmdirSync(directory);
  }
  rmdirSync(heap);
  rmdirSync(tree);
}
