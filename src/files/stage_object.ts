import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { binding } from "../platform/binding.ts";
import { errnoName, errnoNumber } from "../platform/errno.ts";
import { SallyportError } from "../protocol/errors.ts";

export type ObjectKind = "file" | "directory" | "symlink" | "fifo" | "socket" | "device";

/** What stands at a name, on one side of a stage. */
export type ObjectFacts = {
  readonly kind: ObjectKind;
  /** The lower 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly linkCount: number;
  readonly inode: bigint;
  readonly device: bigint;
  readonly rdev: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
  /** Of a symbolic link. */
  readonly target: string;
  /** All extended attributes, by name. */
  readonly attributes: ReadonlyMap<string, Uint8Array>;
};

const O_PATH = 0o10000000;
const { O_NOFOLLOW, O_RDONLY, O_NONBLOCK } = constants;
const ENOENT = 2;
const ENOTDIR = 20;
const EINVAL = 22;
const ELOOP = 40;
const CHUNK_BYTES = 1 << 20;
/** Nobody keeps a chunk beyond its call. */
const chunkBuffer = Buffer.allocUnsafe(CHUNK_BYTES);

const KINDS: Readonly<Record<number, ObjectKind>> = {
  [constants.S_IFREG]: "file",
  [constants.S_IFDIR]: "directory",
  [constants.S_IFLNK]: "symlink",
  [constants.S_IFIFO]: "fifo",
  [constants.S_IFSOCK]: "socket",
};

/** Calls `look` with an O_PATH descriptor of what stands at the absolute path; no link is followed. -errno when there is none. */
export function holding<T>(path: string, look: (fd: number) => T): T | number {
  const fd = binding.fsOpen(path, O_PATH | O_NOFOLLOW, 0, 0);
  if (fd < 0) return fd;
  try {
    return look(fd);
  } finally {
    closeSync(fd);
  }
}

/** null: nothing stands there, or the way there leads through a link. Throws SYSTEM for what can not be looked at. */
export function factsAt(path: string): ObjectFacts | null {
  const found = holding(path, (fd) => factsOf(fd, path));
  if (typeof found !== "number") return found;
  if (found === -ENOENT || found === -ENOTDIR || found === -ELOOP) return null;
  throw unreadable(found);
}

function factsOf(fd: number, path: string): ObjectFacts {
  const stat = fstatSync(fd, { bigint: true });
  const kind = KINDS[Number(stat.mode) & constants.S_IFMT] ?? "device";
  return {
    kind,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    sizeBytes: Number(stat.size),
    linkCount: Number(stat.nlink),
    inode: stat.ino,
    device: stat.dev,
    rdev: stat.rdev,
    modifiedNs: stat.mtimeNs,
    changedNs: stat.ctimeNs,
    target: kind === "symlink" ? targetOf(path) : "",
    attributes: attributesOf(fd),
  };
}

function targetOf(path: string): string {
  const target = binding.fsReadlink(path);
  if (typeof target === "number") throw unreadable(target);
  return target;
}

function attributesOf(fd: number): ReadonlyMap<string, Uint8Array> {
  const names = binding.fdListxattr(fd);
  const found = new Map<string, Uint8Array>();
  // A file system without attributes, or an object that can have none.
  if (typeof names === "number") return found;
  for (const name of names) {
    const value = binding.fdGetxattr(fd, name);
    if (typeof value !== "number") found.set(name, value);
  }
  return found;
}

/** The names in a directory, sorted by bytes. A name that is no UTF-8 comes as null: nothing can be decided about it. */
export function namesIn(path: string): (string | null)[] {
  const names = holding(path, (fd) =>
    asSystem(() => readdirSync(`/proc/self/fd/${fd}`, { encoding: "buffer" })),
  );
  if (typeof names === "number") throw unreadable(names);
  return names.sort(Buffer.compare).map((bytes) => {
    const text = bytes.toString("utf8");
    return Buffer.from(text, "utf8").equals(bytes) ? text : null;
  });
}

/** Opens a regular file for reading; the descriptor is the caller's. Throws SYSTEM. */
export function openContent(path: string): number {
  const fd = holding(path, (held) => {
    // Anything else may have effects when it is opened.
    if (!fstatSync(held).isFile()) throw unreadable(-EINVAL);
    return asSystem(() => openSync(`/proc/self/fd/${held}`, O_RDONLY | O_NONBLOCK));
  });
  if (fd < 0) throw unreadable(fd);
  return fd;
}

/** Calls `use` with the chunks of a regular file, each good for its call alone. Throws SYSTEM. */
export function readChunks(path: string, use: (chunk: Uint8Array) => void): void {
  const fd = openContent(path);
  try {
    const buffer = chunkBuffer;
    for (let size = readSync(fd, buffer); size > 0; size = readSync(fd, buffer))
      use(buffer.subarray(0, size));
  } finally {
    closeSync(fd);
  }
}

export function sha256Of(path: string): string {
  const hash = createHash("sha256");
  readChunks(path, (chunk) => hash.update(chunk));
  return hash.digest("hex");
}

/** Says whether two regular files hold the same bytes. */
export function sameContent(one: string, two: string): boolean {
  // By hashes: one descriptor at a time, and no pairing of chunks that may come in different sizes.
  return sha256Of(one) === sha256Of(two);
}

function unreadable(negativeErrno: number): SallyportError {
  const errno = errnoName(-negativeErrno);
  return new SallyportError("SYSTEM", `it can not be looked at: ${errno}`, { errno });
}

function asSystem<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw unreadable(-errnoNumber(code));
  }
}
