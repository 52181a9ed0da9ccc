import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { binding } from "./binding.ts";

/** Access rights of landlock(7), by the ABI that brought them. */
const FS = {
  execute: 1 << 0,
  readFile: 1 << 2,
  readDir: 1 << 3,
  ioctlDev: 1 << 15,
} as const;
/** Number of file system rights that an ABI knows: 13 in ABI 1, refer in 2, truncate in 3, ioctl_dev in 5, resolve_unix in 9. */
const FS_RIGHTS: readonly number[] = [0, 13, 14, 15, 15, 16, 16, 16, 16, 17];
const NET_TCP = 0b11;
const SCOPE_ALL = 0b11;
const O_PATH = 0o10000000;

export type FloorGrant = {
  readonly path: string;
  readonly access: "read" | "execute" | "terminal";
  /** What must lie there, unchanged since it was looked at; anything else is not granted. */
  readonly object?: { readonly device: bigint; readonly inode: bigint; readonly changedNs: bigint };
};

export type Floor = {
  readonly rulesetFd: number;
  readonly abi: number;
  /** Paths that do not exist here, or hold another object, and so were not granted. */
  readonly absent: readonly string[];
  /** Protections that this kernel's Landlock does not have. */
  readonly missing: readonly string[];
};

/**
 * Builds the Landlock ruleset of a run: everything the ABI can refuse is handled, and only the grants are given back. Nothing
 * in it allows a write: writes are brokered, so that a way round the broker meets EACCES in the kernel. `tcp` is left alone in a
 * network namespace of the run's own, where a rule by port would say nothing. Throws
 * `{ syscall, errno, code }`. The caller closes `rulesetFd`.
 */
export function buildFloor(grants: readonly FloorGrant[], tcp: "refused" | "left alone" = "refused"): Floor {
  const abi = binding.landlockAbi();
  if (abi < 1)
    throw Object.assign(new Error("landlock_create_ruleset"), {
      syscall: "landlock_create_ruleset",
      errno: -abi,
    });
  const handledFs = 2 ** FS_RIGHTS[Math.min(abi, FS_RIGHTS.length - 1)]! - 1;
  const rulesetFd = binding.landlockCreateRuleset(
    handledFs,
    abi >= 4 && tcp === "refused" ? NET_TCP : 0,
    abi >= 6 ? SCOPE_ALL : 0,
  );
  const absent: string[] = [];
  for (const grant of grants) {
    if (!add(rulesetFd, grant, handledFs)) absent.push(grant.path);
  }
  return { rulesetFd, abi, absent, missing: missingAt(abi) };
}

/** What a kernel of this ABI can not refuse by Landlock, in words. */
export function missingAt(abi: number): string[] {
  const missing: string[] = [];
  if (abi < 2) missing.push("refer (renames across directories fail)");
  if (abi < 3) missing.push("truncate");
  if (abi < 4) missing.push("TCP ports");
  if (abi < 5) missing.push("device ioctl");
  if (abi < 6) missing.push("signal and abstract socket scoping");
  return missing;
}

function add(rulesetFd: number, grant: FloorGrant, handledFs: number): boolean {
  let fd: number;
  try {
    fd = openSync(grant.path, O_PATH);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return false;
    throw error;
  }
  try {
    if (grant.object !== undefined && !isObject(fd, grant.object)) return false;
    let access: number = FS.readFile;
    if (grant.access === "execute") access |= FS.execute;
    if (grant.access === "terminal") access |= FS.ioctlDev;
    if (statSync(`/proc/self/fd/${fd}`).isDirectory()) access |= FS.readDir;
    binding.landlockAddPath(rulesetFd, fd, access & handledFs);
    return true;
  } finally {
    closeSync(fd);
  }
}

function isObject(fd: number, object: NonNullable<FloorGrant["object"]>): boolean {
  const { dev, ino, ctimeNs } = fstatSync(fd, { bigint: true });
  return dev === object.device && ino === object.inode && ctimeNs === object.changedNs;
}
