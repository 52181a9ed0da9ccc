import { lstatSync, readFileSync } from "node:fs";
import type { Stat } from "../protocol/message.ts";
import { binding, STAT } from "./binding.ts";
import { toLinuxFlags } from "./open_flags.ts";
import type { Platform } from "./platform.ts";
import { sockets } from "./sockets.ts";

// linux/stat.h, linux/fs.h, linux/xattr.h, fcntl.h
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFIFO = 0o010000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const S_IFSOCK = 0o140000;
const RENAME = { replace: 0, refuse: 1, exchange: 2 } as const;
const XATTR = { any: 0, create: 1, replace: 2 } as const;
const POLLIN = 1;
const POLLHUP = 16;
const AT_REMOVEDIR = 0x200;
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;
const NANOS = 1_000_000_000n;

const KINDS: Readonly<Record<number, Stat["kind"]>> = {
  [S_IFREG]: "file",
  [S_IFDIR]: "directory",
  [S_IFLNK]: "symlink",
  [S_IFIFO]: "fifo",
  [S_IFSOCK]: "socket",
};

const scratch = new Float64Array(16);

function statOf(fields: Float64Array): Stat {
  const mode = fields[STAT.mode]!;
  return {
    kind: KINDS[mode & S_IFMT] ?? "device",
    mode: mode & 0o7777,
    uid: fields[STAT.uid]!,
    gid: fields[STAT.gid]!,
    sizeBytes: fields[STAT.size]!,
    linkCount: fields[STAT.nlink]!,
    modifiedMs: fields[STAT.mtimeMs]!,
    inode: fields[STAT.ino]!,
    device: fields[STAT.dev]!,
  };
}

function seconds(time: bigint | "now" | "keep"): number {
  return typeof time === "bigint" ? Number((time - (((time % NANOS) + NANOS) % NANOS)) / NANOS) : 0;
}

function nanoseconds(time: bigint | "now" | "keep"): number {
  if (time === "now") return UTIME_NOW;
  if (time === "keep") return UTIME_OMIT;
  return Number(((time % NANOS) + NANOS) % NANOS);
}

/** The effects of the broker on Linux. Event-loop thread only; the thread must have an umask of its own (isolateUmask). */
export const linux: Platform = {
  open: (path, flags, mode, umask) => binding.fsOpen(path, toLinuxFlags(flags), mode, umask),
  hasWriter: (fd) => (binding.fdPoll(fd) & (POLLIN | POLLHUP)) !== 0,
  makeBlocking: binding.fdMakeBlocking,
  resolve: (path, tid, tgid, follow) => binding.fsResolve(path, tid, tgid, follow === "follow" ? 1 : 0),
  stat(target) {
    const failed =
      typeof target === "string" ? binding.fsStat(target, scratch) : binding.fdStat(target, scratch);
    return failed < 0 ? failed : statOf(scratch);
  },
  list: binding.fsList,
  readlink: binding.fsReadlink,
  mkdir: binding.fsMkdir,
  mknod: (path, kind, mode, umask) =>
    binding.fsMknod(path, mode | (kind === "file" ? S_IFREG : S_IFIFO), umask),
  unlink: (path, kind) => binding.fsUnlink(path, kind === "directory" ? AT_REMOVEDIR : 0),
  rename: (from, to, existing) => binding.fsRename(from, to, RENAME[existing]),
  link: binding.fsLink,
  linkDescriptor: binding.fsLinkDescriptor,
  symlink: binding.fsSymlink,
  chmod: binding.fsChmod,
  chown: binding.fsChown,
  utimens: (target, accessed, modified) =>
    binding.fsUtimens(
      target,
      seconds(accessed),
      nanoseconds(accessed),
      seconds(modified),
      nanoseconds(modified),
    ),
  truncate: binding.fsTruncate,
  setxattr: (target, name, value, existing) => binding.fsSetxattr(target, name, value, XATTR[existing]),
  removexattr: binding.fsRemovexattr,
  reopen: (tid, descriptor, flags) => binding.fsReopenDescriptor(tid, descriptor, toLinuxFlags(flags)),
  terminalOf(tid) {
    const number = binding.processTerminal(tid);
    return number < 0 ? number : `/dev/pts/${number}`;
  },
  terminalOfMaster(fd) {
    const index = /^tty-index:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"));
    return index === null ? null : `/dev/pts/${index[1]}`;
  },
  // A terminal gets its change time when it is made; reading and writing it leaves that alone.
  terminalIdentity: (path) => lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ctimeNs ?? null,
  umaskOf: binding.processUmask,
  parentOf: binding.processParent,
  sockets,
  close: binding.closeFd,
};
