import { mkdirSync, readlinkSync, readSync, renameSync, writeSync } from "node:fs";
import type { Stat } from "../protocol/message.ts";
import { binding, LOOK } from "./binding.ts";
import { O } from "./open_flags.ts";
import type { Target } from "./platform.ts";

/** Seconds and nanoseconds since the epoch. */
export type Time = readonly [seconds: number, nanoseconds: number];

/** What an object is. `identity` tells it from every other one, also from a later one with the same inode number. */
export type Found = {
  readonly identity: string;
  readonly inode: number;
  readonly kind: Stat["kind"];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly linkCount: number;
  readonly modified: Time;
  readonly changed: Time;
  readonly accessed: Time;
};

export type Attribute = readonly [name: string, value: Uint8Array];

const KINDS: Readonly<Record<number, Stat["kind"]>> = {
  [0o100000]: "file",
  [0o040000]: "directory",
  [0o120000]: "symlink",
  [0o010000]: "fifo",
  [0o140000]: "socket",
};
const ENOENT = 2;
const EIO = 5;
const EXDEV = 18;
const EFBIG = 27;
const ESTALE = 116;
const RENAME_NOREPLACE = 1;
const S_IFMT = 0o170000;
const CHUNK_BYTES = 8 << 20;

const scratch = new Float64Array(16);

/** Offset and length of a small content in the file of a store that holds all of them. */
export type Packed = readonly [offset: number, bytes: number];

const PACK = "pack";
/** What is copied into the pack: a file of its own costs more than the bytes. */
export const MAX_PACKED_BYTES: number = 64 << 10;

function found(): Found {
  const at = (field: keyof typeof LOOK): number => scratch[LOOK[field]]!;
  return {
    identity: `${at("dev")}:${at("ino")}:${at("bornSec")}.${at("bornNsec")}`,
    inode: at("ino"),
    kind: KINDS[at("mode") & S_IFMT] ?? "device",
    mode: at("mode") & 0o7777,
    uid: at("uid"),
    gid: at("gid"),
    sizeBytes: at("size"),
    linkCount: at("nlink"),
    modified: [at("mtimeSec"), at("mtimeNsec")],
    changed: [at("ctimeSec"), at("ctimeNsec")],
    accessed: [at("atimeSec"), at("atimeNsec")],
  };
}

/** Looks at an object without following a link; -errno. */
export function look(target: Target): Found | number {
  const failed = binding.fsLook(target, scratch);
  return failed < 0 ? failed : found();
}

/** Its extended attributes, ACLs included; -errno. */
export function attributesOf(target: Target): readonly Attribute[] | number {
  return binding.fsAttributes(target);
}

/**
 * A directory that objects are moved into and out of, by number. The names in it are ours alone. Numbers below zero are -errno;
 * nothing is ever replaced. The directory is held open, so that it serves a thread that could not reach it by its path.
 */
export class Store {
  readonly #fd: number;
  #pack = -1;
  #packedBytes = 0;
  readonly #parking: string;

  /**
   * Takes the descriptor. `parking`: the start of the paths where what is parked for a moment stands when it can not be moved into
   * the directory, which is on another mount; "" for nowhere.
   */
  constructor(fd: number, parking = "") {
    this.#fd = fd;
    this.#parking = parking;
  }

  /** Only what will be moved on may stand in somebody's tree. */
  #parkedPath(name: string): string | null {
    return this.#parking !== "" && name.startsWith("parked-") ? this.#parking + name : null;
  }

  look(name: string): Found | number {
    const failed = binding.storeLook(this.#fd, name, scratch);
    const parked = failed < 0 ? this.#parkedPath(name) : null;
    if (parked !== null) return look(parked);
    return failed < 0 ? failed : found();
  }

  /** An empty twin of the file open as `old`, with the access of Linux's `flags`: its descriptor. -EAGAIN: it is open elsewhere. */
  replacement(old: number, flags: number, name: string): number {
    return binding.stageReplacement(old, flags, this.#fd, name);
  }

  /** -ESTALE: what stands at the path is not `inode`; nothing was done. */
  exchange(path: string, name: string, inode: number): number {
    return binding.storeExchange(path, this.#fd, name, inode);
  }

  moveIn(path: string, name: string, inode: number): number {
    const moved = binding.storeMoveIn(path, this.#fd, name, inode);
    const parked = moved === -EXDEV ? this.#parkedPath(name) : null;
    if (parked === null) return moved;
    const there = look(path);
    if (typeof there === "number" || there.inode !== inode) return -ESTALE;
    return binding.fsRename(path, parked, RENAME_NOREPLACE);
  }

  linkIn(path: string, name: string): number {
    return binding.storeLinkIn(path, this.#fd, name);
  }

  /** A new directory, for its owner only. */
  makeDirectory(name: string): number {
    const parked = this.#parkedPath(name);
    if (parked !== null) return binding.fsMkdir(parked, 0o700, 0);
    try {
      mkdirSync(`/proc/self/fd/${this.#fd}/${name}`, { mode: 0o700 });
      return 0;
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -EIO;
    }
  }

  moveOut(name: string, path: string): number {
    const moved = binding.storeMoveOut(this.#fd, name, path);
    // Between mounts the kernel does not look whether there is anything to move.
    const parked = moved === -ENOENT || moved === -EXDEV ? this.#parkedPath(name) : null;
    return parked === null ? moved : binding.fsRename(parked, path, RENAME_NOREPLACE);
  }

  linkOut(name: string, path: string): number {
    return binding.storeLinkOut(this.#fd, name, path);
  }

  remove(name: string): number {
    return binding.storeRemove(this.#fd, name);
  }

  openForReading(name: string): number {
    return binding.storeOpen(this.#fd, name, 0, 0);
  }

  /** Of a symbolic link; null for anything else. */
  readlink(name: string): string | null {
    try {
      return readlinkSync(`/proc/self/fd/${this.#fd}/${name}`);
    } catch {
      // No link, or nothing of this name.
      return null;
    }
  }

  /** Emptied. */
  openForWriting(name: string): number {
    return binding.storeOpen(this.#fd, name, O.wronly | O.trunc, 0);
  }

  /** A descriptor that only names the object, for changing its metadata. */
  hold(name: string): number {
    return binding.storeOpen(this.#fd, name, O.path, 0);
  }

  /** Copies what is open as `source` into the pack; null: it is too large. -errno. One process at a time fills a pack, from its making on. */
  pack(source: number, expectedBytes: number): Packed | number | null {
    if (this.#pack < 0) this.#pack = binding.storeOpen(this.#fd, PACK, O.rdwr | O.creat | O.excl, 0o600);
    if (this.#pack < 0) return this.#pack;
    const offset = this.#packedBytes;
    const bytes = binding.fdPack(this.#pack, offset, source, expectedBytes, MAX_PACKED_BYTES);
    if (bytes < 0) return bytes === -EFBIG ? null : bytes;
    this.#packedBytes += bytes;
    return [offset, bytes];
  }

  /** What was packed; null when it is not there. */
  packed([offset, bytes]: Packed): Buffer | null {
    const fd = bytes > MAX_PACKED_BYTES ? -1 : this.openForReading(PACK);
    if (fd < 0) return null;
    const content = Buffer.alloc(bytes);
    try {
      for (let done = 0; done < bytes; ) {
        const got = readSync(fd, content, done, bytes - done, offset + done);
        if (got === 0) return null;
        done += got;
      }
      return content;
    } finally {
      binding.closeFd(fd);
    }
  }

  /** Makes a file of its own of it; 0 or -errno. May be killed and done again. */
  unpack(packed: Packed, name: string): number {
    const content = this.packed(packed);
    if (content === null) return -EIO;
    const temporary = `unpacking-${name}`;
    this.remove(temporary);
    const fd = this.create(temporary);
    if (fd < 0) return fd;
    try {
      for (let done = 0; done < content.length; ) done += writeSync(fd, content, done);
      const here = `/proc/self/fd/${this.#fd}`;
      renameSync(`${here}/${temporary}`, `${here}/${name}`);
      return 0;
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -EIO;
    } finally {
      binding.closeFd(fd);
    }
  }

  /** A new file for a copy, for its owner only. */
  create(name: string): number {
    return binding.storeOpen(this.#fd, name, O.rdwr | O.creat | O.excl, 0o600);
  }

  close(): void {
    if (this.#pack >= 0) binding.closeFd(this.#pack);
    binding.closeFd(this.#fd);
  }
}

/**
 * Copies everything from `source` to the empty file `target`, step by step; each step is short enough for the event loop. Where
 * the file system can share the content, it takes one. Gives the bytes of the step, "end", or -errno.
 */
export function copyStep(target: number, source: number, offset: number): number | "end" {
  if (offset === 0 && binding.fdShare(target, source) === 0) return "end";
  const copied = binding.fdCopy(target, source, offset, CHUNK_BYTES);
  return copied === 0 ? "end" : copied;
}

/** The same in one go, for a file of no more than some megabytes. */
export function copyAll(target: number, source: number): number {
  for (let offset = 0; ; ) {
    const step = copyStep(target, source, offset);
    if (step === "end") return 0;
    if (step < 0) return step;
    offset += step;
  }
}
