import { fromLinuxFlags, O } from "../../platform/open_flags.ts";
import { type Follow, OPEN, type Request } from "../../protocol/message.ts";
import { NR } from "./syscalls.ts";

// fcntl.h, linux/fs.h, linux/xattr.h, sys/stat.h
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_FOLLOW = 0x400;
const AT_EMPTY_PATH = 0x1000;
/** What fchmodat2, fchownat and utimensat take. */
const AT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFIFO = 0o010000;
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const S_IFSOCK = 0o140000;
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;
const EINVAL = 22;
const EPERM = 1;
const ENOSYS = 38;

/** One received call: its arguments, and what the notifier read from the caller's memory. */
export type ReceivedCall = {
  readonly nr: number;
  readonly pid: number;
  /** The low halves of the six arguments: an int may carry anything in the high half of its register. */
  readonly words: Int32Array;
  /** The whole arguments, and the times of utimensat (EVENT in platform/binding.ts). */
  readonly wide: Float64Array;
  readonly one: string;
  readonly two: string;
  readonly value: () => Uint8Array | null;
};

/** The request that a trapped system call stands for, or the errno that the kernel would give for its arguments; 0: it does nothing. */
export function translate(call: ReceivedCall): Request | number {
  const { words, wide, one: path, two } = call;
  switch (call.nr) {
    case NR.open:
      return open(path, words[1]!, words[2]!);
    case NR.openat:
      return open(path, words[2]!, words[3]!);
    case NR.creat:
      return open(path, O.creat | O.wronly | O.trunc, words[1]!);
    case NR.truncate:
      return wide[1]! < 2 ** 63 ? { op: "truncate", path, sizeBytes: wide[1]! } : EINVAL;
    case NR.mkdir:
      return { op: "mkdir", path, mode: words[1]! & 0o1777 };
    case NR.mkdirat:
      return { op: "mkdir", path, mode: words[2]! & 0o1777 };
    case NR.mknod:
      return mknod(path, words[1]!);
    case NR.mknodat:
      return mknod(path, words[2]!);
    case NR.rmdir:
      return { op: "unlink", path, kind: "directory" };
    case NR.unlink:
      return { op: "unlink", path, kind: "file" };
    case NR.unlinkat:
      if (words[2]! & ~AT_REMOVEDIR) return EINVAL;
      return { op: "unlink", path, kind: words[2] === AT_REMOVEDIR ? "directory" : "file" };
    case NR.rename:
    case NR.renameat:
      return { op: "rename", from: path, to: two, existing: "replace" };
    case NR.renameat2:
      return rename(path, two, words[4]!);
    case NR.link:
      return { op: "link", from: path, to: two, follow: "nofollow" };
    case NR.linkat:
      return words[4]! & AT_EMPTY_PATH
        ? link(`/proc/${call.pid}/fd/${words[0]!}`, two, 0)
        : link(path, two, words[4]!);
    case NR.symlink:
    case NR.symlinkat:
      return { op: "symlink", target: two, path };
    case NR.chmod:
    case NR.fchmod:
      return { op: "chmod", path, mode: words[1]! & 0o7777, follow: "follow" };
    case NR.fchmodat:
      return { op: "chmod", path, mode: words[2]! & 0o7777, follow: "follow" };
    case NR.fchmodat2:
      if (words[3]! & ~AT_FLAGS) return EINVAL;
      return { op: "chmod", path, mode: words[2]! & 0o7777, follow: followOf(words[3]!) };
    case NR.chown:
    case NR.fchown:
      return chown(path, words[1]!, words[2]!, "follow");
    case NR.lchown:
      return chown(path, words[1]!, words[2]!, "nofollow");
    case NR.fchownat:
      if (words[4]! & ~AT_FLAGS) return EINVAL;
      return chown(path, words[2]!, words[3]!, followOf(words[4]!));
    case NR.utime:
    case NR.utimes:
    case NR.futimesat:
      return utimens(path, wide, "follow");
    case NR.utimensat:
      if (words[3]! & ~AT_FLAGS) return EINVAL;
      return utimens(path, wide, followOf(words[3]!));
    case NR.setxattr:
    case NR.fsetxattr:
      return setxattr(call, "follow");
    case NR.lsetxattr:
      return setxattr(call, "nofollow");
    case NR.removexattr:
    case NR.fremovexattr:
      return { op: "removexattr", path, name: two, follow: "follow" };
    case NR.lremovexattr:
      return { op: "removexattr", path, name: two, follow: "nofollow" };
    default:
      return ENOSYS;
  }
}

function open(path: string, linux: number, mode: number): Request | number {
  if (linux & O.path && (linux & O.tmpfile) !== O.tmpfile) {
    // O_PATH ignores every flag but these; it opens nothing, so it asks for no more than stat.
    const nofollow = linux & O.nofollow ? OPEN.nofollow : 0;
    const directory = linux & O.directory ? OPEN.directory : 0;
    return { op: "open", path, flags: OPEN.pathOnly | nofollow | directory, mode: 0 };
  }
  const flags = fromLinuxFlags(linux);
  return flags < 0 ? EINVAL : { op: "open", path, flags, mode: mode & 0o1777 };
}

function mknod(path: string, mode: number): Request | number {
  const type = mode & S_IFMT;
  if (type === S_IFREG || type === 0) return { op: "mknod", path, kind: "file", mode: mode & 0o1777 };
  if (type === S_IFIFO) return { op: "mknod", path, kind: "fifo", mode: mode & 0o1777 };
  if (type === S_IFDIR) return EPERM;
  if (type !== S_IFCHR && type !== S_IFBLK && type !== S_IFSOCK) return EINVAL;
  return {
    op: "refused",
    what: `mknod(2): a device node or socket at ${path}`,
    rule: "syscalls.mknod",
    errno: "EPERM",
  };
}

function rename(from: string, to: string, flags: number): Request | number {
  if (flags === 0) return { op: "rename", from, to, existing: "replace" };
  if (flags === 1) return { op: "rename", from, to, existing: "refuse" };
  if (flags === 2) return { op: "rename", from, to, existing: "exchange" };
  return EINVAL;
}

function link(from: string, to: string, flags: number): Request | number {
  if (flags & ~AT_SYMLINK_FOLLOW) return EINVAL;
  return { op: "link", from, to, follow: flags & AT_SYMLINK_FOLLOW ? "follow" : "nofollow" };
}

function followOf(flags: number): Follow {
  return flags & AT_SYMLINK_NOFOLLOW ? "nofollow" : "follow";
}

function chown(path: string, uid: number, gid: number, follow: Follow): Request {
  const id = (value: number): number => (value >>> 0 === 0xffffffff ? -1 : value >>> 0);
  return { op: "chown", path, uid: id(uid), gid: id(gid), follow };
}

function utimens(path: string, wide: Float64Array, follow: Follow): Request | number {
  const at = (index: number): bigint | "now" | "keep" => {
    const nanoseconds = wide[index + 1]!;
    if (nanoseconds === UTIME_NOW) return "now";
    if (nanoseconds === UTIME_OMIT) return "keep";
    return BigInt(wide[index]!) * 1_000_000_000n + BigInt(nanoseconds);
  };
  for (const index of [7, 9]) {
    const nanoseconds = wide[index]!;
    const special = nanoseconds === UTIME_NOW || nanoseconds === UTIME_OMIT;
    if (!special && (nanoseconds < 0 || nanoseconds > 999_999_999)) return EINVAL;
  }
  const accessed = at(6);
  const modified = at(8);
  return accessed === "keep" && modified === "keep" ? 0 : { op: "utimens", path, accessed, modified, follow };
}

function setxattr(call: ReceivedCall, follow: Follow): Request | number {
  const flags = call.words[4]!;
  const existing = flags === 0 ? "any" : flags === 1 ? "create" : flags === 2 ? "replace" : null;
  const value = call.value();
  if (existing === null) return EINVAL;
  if (value === null) return EPERM;
  return { op: "setxattr", path: call.one, name: call.two, value, existing, follow };
}
