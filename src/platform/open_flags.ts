import { OPEN } from "../protocol/message.ts";

/** Linux x86_64 open(2) flags, asm-generic/fcntl.h and arch overrides. */
export const O = {
  accessMask: 3,
  wronly: 1,
  rdwr: 2,
  creat: 0o100,
  excl: 0o200,
  noctty: 0o400,
  trunc: 0o1000,
  append: 0o2000,
  nonblock: 0o4000,
  dsync: 0o10000,
  async: 0o20000,
  direct: 0o40000,
  largefile: 0o100000,
  directory: 0o200000,
  nofollow: 0o400000,
  noatime: 0o1000000,
  cloexec: 0o2000000,
  sync: 0o4010000,
  path: 0o10000000,
  tmpfile: 0o20200000,
} as const;

const KNOWN =
  3 |
  O.creat |
  O.excl |
  O.noctty |
  O.trunc |
  O.append |
  O.nonblock |
  O.direct |
  O.largefile |
  O.directory |
  O.nofollow |
  O.noatime |
  O.cloexec |
  O.sync |
  O.path |
  O.tmpfile;

/** Names the same request in Linux's flags; close-on-exec is the platform's business. */
export function toLinuxFlags(flags: number): number {
  let linux = flags & OPEN.pathOnly ? O.path : 0;
  if (flags & (OPEN.write | OPEN.append)) linux = flags & OPEN.read ? O.rdwr : O.wronly;
  if (flags & OPEN.append) linux |= O.append;
  if (flags & OPEN.create) linux |= O.creat;
  if (flags & OPEN.exclusive) linux |= O.excl;
  if (flags & OPEN.truncate) linux |= O.trunc;
  if (flags & OPEN.directory) linux |= O.directory;
  if (flags & OPEN.nofollow) linux |= O.nofollow;
  if (flags & OPEN.sync) linux |= O.sync;
  if (flags & OPEN.nonblock) linux |= O.nonblock;
  if (flags & OPEN.temporary) linux |= O.tmpfile;
  if (flags & OPEN.direct) linux |= O.direct;
  if (flags & OPEN.noatime) linux |= O.noatime;
  return linux;
}

/**
 * What a program asked of open(2), in the flags of the protocol; -1 for flags that open(2) does not define. open(2)
 * ignores unknown flags, but a program that means something by them can not be served here.
 */
export function fromLinuxFlags(linux: number): number {
  if (linux & ~KNOWN) return -1;
  const access = linux & O.accessMask;
  if (access === 3) return -1;
  let flags = access === O.wronly ? OPEN.write : access === O.rdwr ? OPEN.read | OPEN.write : OPEN.read;
  if (linux & O.append) flags |= access === 0 ? 0 : OPEN.append;
  if (linux & O.creat) flags |= OPEN.create;
  if (linux & O.excl) flags |= OPEN.exclusive;
  if (linux & O.trunc) flags |= OPEN.truncate;
  if ((linux & O.tmpfile) === O.tmpfile) flags |= OPEN.temporary;
  else if (linux & O.directory) flags |= OPEN.directory;
  if (linux & O.nofollow) flags |= OPEN.nofollow;
  if (linux & O.sync) flags |= OPEN.sync;
  if (linux & O.nonblock) flags |= OPEN.nonblock;
  if (linux & O.direct) flags |= OPEN.direct;
  if (linux & O.noatime) flags |= OPEN.noatime;
  return flags;
}
