import type { Stat } from "../protocol/message.ts";
import type { Sockets } from "./sockets.ts";

/**
 * What the broker's operations need of an operating system. Every path is absolute, normalised and free of symbolic links:
 * an implementation that meets a link in any component answers -ELOOP and has done nothing. Numbers below zero are -errno.
 * `Target` is a path, or a descriptor that the broker holds for a call by descriptor.
 */
export type Target = string | number;

export type Platform = {
  /**
   * -ENXIO: a FIFO without a reader, opened for writing; -ESPIPE: a FIFO opened for reading, which would wait for a writer.
   * `flags` are those of protocol/message.ts. The descriptor is close-on-exec and belongs to the caller.
   */
  open(path: string, flags: number, mode: number, umask: number): number;
  /** Says whether a FIFO that is open for reading has data, or had a writer that has left. */
  hasWriter(fd: number): boolean;
  makeBlocking(fd: number): number;
  /** The path as thread `tid` sees it with every link resolved, the last one only when `follow`; it need not exist. */
  resolve(path: string, tid: number, tgid: number, follow: "follow" | "nofollow"): string | number;
  /** Never follows. */
  stat(target: Target): Stat | number;
  list(path: string, maxEntries: number): readonly string[] | number;
  readlink(path: string): string | number;
  mkdir(path: string, mode: number, umask: number): number;
  mknod(path: string, kind: "file" | "fifo", mode: number, umask: number): number;
  unlink(path: string, kind: "file" | "directory"): number;
  rename(from: string, to: string, existing: "replace" | "refuse" | "exchange"): number;
  link(from: string, to: string): number;
  /** Gives a name to an unnamed file (OPEN.temporary) that thread `tid` holds as `descriptor`; -EXDEV for any other. */
  linkDescriptor(tid: number, descriptor: number, to: string): number;
  symlink(target: string, path: string): number;
  chmod(target: Target, mode: number): number;
  chown(target: Target, uid: number, gid: number): number;
  utimens(target: Target, accessed: bigint | "now" | "keep", modified: bigint | "now" | "keep"): number;
  truncate(target: Target, sizeBytes: number): number;
  setxattr(target: Target, name: string, value: Uint8Array, existing: "any" | "create" | "replace"): number;
  removexattr(target: Target, name: string): number;
  /** Opens again what thread `tid` holds as `descriptor` (a pipe, a terminal, a memfd), with no more access than it holds. */
  reopen(tid: number, descriptor: number, flags: number): number;
  /** The path of the controlling terminal of thread `tid`, or -ENXIO. */
  terminalOf(tid: number): string | number;
  /** The path of the terminal whose other end `fd` is (pts(4)), or null. */
  terminalOfMaster(fd: number): string | null;
  /** Tells one terminal from a later one of the same name; null where there is none. */
  terminalIdentity(path: string): bigint | null;
  umaskOf(tid: number): number;
  parentOf(pid: number): number;
  readonly sockets: Sockets;
  close(fd: number): void;
};
