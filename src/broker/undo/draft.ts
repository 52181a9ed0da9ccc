import { randomBytes } from "node:crypto";
import { breachOf } from "../../files/file_limits.ts";
import { describe } from "../../files/undo/entry.ts";
import { setAccess } from "../../files/undo/set_metadata.ts";
import { linux } from "../../platform/linux.ts";
import { type Found, look } from "../../platform/staging.ts";
import { dirname, joinPath } from "../../policy/path.ts";
import type { FileLimits } from "../../policy/profile.ts";
import { OPEN } from "../../protocol/message.ts";
import { outcomeOf } from "../outcome.ts";
import { type Keeper, LimitReached, QuotaReached } from "./keeper.ts";
import { makeFile, rename, unlink } from "./names.ts";
import type { Draft } from "./undo.ts";

type Making = { readonly mode: number; readonly umask: number; readonly limits: FileLimits };

/**
 * A file for `path` that has no name in the tree: a twin in the store where what stands there can be moved there, else an unnamed
 * file in the same directory. `keeper` null: what it changes is not kept.
 */
export function draft(
  path: string,
  replaced: Found | null,
  making: Making,
  keeper: Keeper | null,
): Draft | number {
  if (keeper !== null && replaced !== null && keeper.placement === "moved")
    return inStore(path, replaced, making, keeper);
  return inDirectory(path, replaced, making, keeper);
}

function inStore(path: string, replaced: Found, { limits }: Making, keeper: Keeper): Draft | number {
  const { store } = keeper;
  const n = keeper.nextName();
  const name = String(n);
  const fd = store.create(name);
  if (fd < 0) return fd;
  let isPlaced = false;
  return {
    fd,
    put() {
      check(fd, limits);
      const before = describe(replaced, path);
      const given = setAccess(fd, before);
      const twin = given < 0 ? given : look(fd);
      if (typeof twin === "number") return twin;
      keeper.directoryOf(path);
      const isOwn = keeper.own.has(replaced.identity);
      const old = { id: replaced.identity, n: isOwn ? -1 : n, how: "moved", before } as const;
      const entry = keeper.record({ k: "swap", p: path, to: twin.identity, old });
      const failed = store.exchange(path, name, replaced.inode);
      if (failed < 0) {
        keeper.failed(entry);
        return failed;
      }
      isPlaced = true;
      keeper.adopt(twin.identity);
      if (isOwn) {
        keeper.own.delete(replaced.identity);
        store.remove(name);
      }
      return 0;
    },
    drop() {
      linux.close(fd);
      if (!isPlaced) store.remove(name);
    },
  };
}

function inDirectory(
  path: string,
  replaced: Found | null,
  { mode, umask, limits }: Making,
  keeper: Keeper | null,
): Draft | number {
  const directory = dirname(path);
  const flags = OPEN.read | OPEN.write | OPEN.temporary;
  const fd = linux.open(directory, flags, replaced === null ? mode : 0o600, umask);
  if (fd < 0) return fd;
  const give = (to: string): number => {
    const act = () => outcomeOf(linux.linkDescriptor(process.pid, fd, to));
    const outcome = keeper === null ? act() : makeFile(to, keeper, act);
    return outcome.kind === "failed" ? -outcome.errno : 0;
  };
  return {
    fd,
    put() {
      check(fd, limits);
      if (replaced === null) return give(path);
      const given = setAccess(fd, describe(replaced, path));
      if (given < 0) return given;
      // A name of nobody's rules, for a moment: only a rename replaces in one step.
      const sibling = joinPath(directory, `.sallyport-${randomBytes(8).toString("hex")}`);
      const linked = give(sibling);
      if (linked < 0) return linked;
      const request = { op: "rename", from: sibling, to: path, existing: "replace" } as const;
      const act = () => outcomeOf(linux.rename(sibling, path, "replace"));
      try {
        const renamed = keeper === null ? act() : rename(request, keeper, act);
        if (renamed.kind === "value") return 0;
        takeBack(sibling, keeper);
        return renamed.kind === "failed" ? -renamed.errno : -EIO;
      } catch (error) {
        if (error instanceof LimitReached || error instanceof QuotaReached) takeBack(sibling, keeper);
        throw error;
      }
    },
    drop: () => linux.close(fd),
  };
}

const EIO = 5;

function takeBack(sibling: string, keeper: Keeper | null): void {
  const act = () => outcomeOf(linux.unlink(sibling, "file"));
  if (keeper === null) act();
  else unlink({ op: "unlink", path: sibling, kind: "file" }, keeper, act);
}

function check(fd: number, limits: FileLimits): void {
  const breach = breachOf(fd, limits);
  if (breach !== null) throw new LimitReached(breach);
}
