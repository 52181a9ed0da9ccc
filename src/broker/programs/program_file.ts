import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const CHUNK_BYTES = 1 << 20;
const ELF_MAGIC = 0x464c457f;
const PT_INTERP = 3;
const HEAD_BYTES = 4096;

/** An executable regular file as it was found. Device, inode and change time are what it is recognised by later. */
export type ProgramFile = {
  /** Every name that it was found under, absolute and without symbolic links. */
  readonly paths: string[];
  readonly device: bigint;
  readonly inode: bigint;
  readonly changedNs: bigint;
  readonly sizeBytes: bigint;
  readonly uid: number;
  readonly mode: number;
};

/** Null for what is no regular file, or may be executed by nobody. Never follows a link. */
export function programFile(path: string): ProgramFile | null {
  try {
    return asFound(path, lstatSync(path, { bigint: true }));
  } catch {
    // It can not be looked at, so it is not granted.
    return null;
  }
}

/** The same for a file that is held open, and that had this name. */
export function openedProgram(fd: number, path: string): ProgramFile | null {
  return asFound(path, fstatSync(fd, { bigint: true }));
}

function asFound(path: string, found: BigIntStats): ProgramFile | null {
  if (!found.isFile() || (found.mode & 0o111n) === 0n) return null;
  return {
    paths: [path],
    device: found.dev,
    inode: found.ino,
    changedNs: found.ctimeNs,
    sizeBytes: found.size,
    uid: Number(found.uid),
    mode: Number(found.mode),
  };
}

/** Tells one object from another, whatever their names. */
export function objectKey(device: bigint, inode: bigint): string {
  return `${device}:${inode}`;
}

/** SHA-256 of the content, in hex; null when it can not be read, or is not what was found any more. */
export function digestOf(file: ProgramFile): string | null {
  return reading(file, (fd) => digestOfOpened(fd, file));
}

/** The same of what is held open. */
export function digestOfOpened(fd: number, file: ProgramFile): string | null {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let at = 0, read = -1; read !== 0; at += read) {
    read = readSync(fd, chunk, 0, CHUNK_BYTES, at);
    hash.update(chunk.subarray(0, read));
  }
  return isUnchanged(file, fd) ? hash.digest("hex") : null;
}

/** The loader that an ELF program names (PT_INTERP, elf(5)); null for anything else. Only 64-bit little-endian. */
export function loaderNamedBy(file: ProgramFile): string | null {
  return reading(file, (fd) => {
    const head = Buffer.alloc(HEAD_BYTES);
    const size = readSync(fd, head, 0, HEAD_BYTES, 0);
    if (size < 64 || head.readUInt32LE(0) !== ELF_MAGIC || head[4] !== 2 || head[5] !== 1) return null;
    const start = Number(head.readBigUInt64LE(32));
    const stride = head.readUInt16LE(54);
    for (let index = 0, at = start; index < head.readUInt16LE(56); index++, at += stride) {
      if (at + 56 > size) return null;
      if (head.readUInt32LE(at) !== PT_INTERP) continue;
      const bytes = Math.min(Number(head.readBigUInt64LE(at + 32)), HEAD_BYTES);
      const name = Buffer.alloc(bytes);
      const got = readSync(fd, name, 0, bytes, Number(head.readBigUInt64LE(at + 8)));
      return name.subarray(0, got).toString("utf8").replace(/\0.*$/s, "");
    }
    return null;
  });
}

function reading<T>(file: ProgramFile, use: (fd: number) => T | null): T | null {
  let fd = -1;
  try {
    // Not blocking: the name may have become a FIFO.
    fd = openSync(file.paths[0]!, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return isUnchanged(file, fd) ? use(fd) : null;
  } catch {
    // Not readable for us: what it holds stays unknown, which every rule takes for a no.
    return null;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function isUnchanged(file: ProgramFile, fd: number): boolean {
  const now = fstatSync(fd, { bigint: true });
  return now.dev === file.device && now.ino === file.inode && now.ctimeNs === file.changedNs;
}
