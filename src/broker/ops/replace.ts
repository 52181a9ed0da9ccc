import { ERRNO } from "../../platform/errno.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Found } from "../../platform/staging.ts";
import { OPEN } from "../../protocol/message.ts";

const ENOENT = ERRNO["ENOENT"]!;
const SETUID_SETGID = 0o6000;

/** Why a file can not be replaced as a whole, as an errno; 0: it can. */
export function obstacleOf(path: string, { kind, mode, linkCount }: Found, platform: Platform): number {
  if (kind === "symlink") return ERRNO["ELOOP"]!;
  if (kind === "directory") return ERRNO["EISDIR"]!;
  if (kind !== "file") return ERRNO["EINVAL"]!;
  // The other names would go on with the old content.
  if (linkCount > 1) return ERRNO["EMLINK"]!;
  if ((mode & SETUID_SETGID) !== 0) return ERRNO["EPERM"]!;
  // What may not be written to may not be replaced in this way either.
  const held = platform.open(path, OPEN.write, 0, 0);
  if (held < 0) return -held;
  platform.close(held);
  return 0;
}

/** Whether what stands there now is what stood there before; null: nothing did. */
export function isUnchanged(before: Found | null, now: Found | number): boolean {
  if (before === null || typeof now === "number") return before === null && now === -ENOENT;
  return (
    now.identity === before.identity &&
    now.sizeBytes === before.sizeBytes &&
    now.linkCount === before.linkCount &&
    now.mode === before.mode &&
    now.uid === before.uid &&
    now.gid === before.gid &&
    now.modified[0] === before.modified[0] &&
    now.modified[1] === before.modified[1]
  );
}
