import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { SallyportError } from "../../protocol/errors.ts";

const MAX_TEXT_BYTES = 256 * 1024;
const MAX_BYTES = 16 * 1024 * 1024;
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Who may have written it: root alone, the given user or root, or anybody. */
export type Writer =
  | { readonly kind: "root" }
  | { readonly kind: "user"; readonly uid: number }
  | { readonly kind: "anybody" };

/** A directory that is held open, so that what is read in it is what was checked. */
export class TrustedDirectory {
  readonly path: string;
  readonly #fd: number;
  readonly #writer: Writer;

  private constructor(path: string, fd: number, writer: Writer) {
    this.path = path;
    this.#fd = fd;
    this.#writer = writer;
  }

  /** null where a directory on the way is not there. Throws SETUP where one is a link, no directory, or somebody else's to write. */
  static open(root: string, below: readonly string[], writer: Writer): TrustedDirectory | null {
    let path = root;
    let fd = openAt(root, root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd === null) return null;
    for (const name of below) {
      path = path === "/" ? `/${name}` : `${path}/${name}`;
      const next = openAt(`/proc/self/fd/${fd}/${name}`, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      closeSync(fd);
      if (next === null) return null;
      fd = next;
      try {
        checkWriter(fstatSync(fd), path, writer);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    }
    return new TrustedDirectory(path, fd, writer);
  }

  names(): string[] {
    return readdirSync(`/proc/self/fd/${this.#fd}`).sort();
  }

  /** The text of a regular file in UTF-8 that has one name; null where there is none. Throws SETUP for anything else. */
  read(name: string): string | null {
    const bytes = this.#read(name, MAX_TEXT_BYTES);
    if (bytes === null) return null;
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw refused(`${this.path}/${name}`, "it is no UTF-8");
    }
  }

  /** The same of any bytes. */
  readBytes(name: string): Buffer | null {
    return this.#read(name, MAX_BYTES);
  }

  #read(name: string, maxBytes: number): Buffer | null {
    const path = `${this.path}/${name}`;
    const fd = openAt(`/proc/self/fd/${this.#fd}/${name}`, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd === null) return null;
    try {
      const found = fstatSync(fd);
      if (!found.isFile()) throw refused(path, "it is no regular file");
      // A second name may lie where a run can write.
      if (found.nlink !== 1) throw refused(path, "it has more than one name");
      checkWriter(found, path, this.#writer);
      if (found.size > maxBytes) throw refused(path, `it is larger than ${maxBytes} bytes`);
      return bytesOf(fd, path, maxBytes);
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** It may have grown since it was measured. */
function bytesOf(fd: number, path: string, maxBytes: number): Buffer {
  const bytes = Buffer.alloc(Math.min(maxBytes, fstatSync(fd).size) + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(fd, bytes, length, bytes.length - length, length);
  }
  if (length === bytes.length) throw refused(path, "it grows while it is read");
  return bytes.subarray(0, length);
}

function checkWriter({ uid, mode }: Stats, path: string, writer: Writer): void {
  if (writer.kind === "anybody") return;
  const roots = rootOwners();
  const allowed = writer.kind === "root" ? roots : [...roots, writer.uid];
  if (!allowed.includes(uid))
    throw refused(
      path,
      `it belongs to uid ${uid}, and only ${writer.kind === "root" ? "root" : "its user"} may write policy there`,
    );
  if ((mode & 0o022) !== 0) throw refused(path, "others may write it; chmod go-w it");
}

/**
 * In the user namespace of a staged run nobody is root, and what is root's has the overflow uid (user_namespaces(7)). Then "/" has it too.
 * What others own looks the same there, and has been told apart before the stage was entered.
 */
function rootOwners(): number[] {
  const { uid } = statSync("/");
  if (uid === 0) return [0];
  const overflow = Number(readFileSync("/proc/sys/kernel/overflowuid", "utf8"));
  return uid === overflow ? [0, overflow] : [0];
}

function openAt(place: string, path: string, flags: number): number | null {
  try {
    return openSync(place, flags);
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    const why =
      code === "ELOOP" || code === "ENOTDIR" ? "a symbolic link or no directory stands there" : code;
    throw refused(path, why);
  }
}

function refused(path: string, why: string): SallyportError {
  return new SallyportError("SETUP", `Cannot use the policy in "${path}": ${why}; without it nothing runs`, {
    errno: "EPERM",
  });
}
