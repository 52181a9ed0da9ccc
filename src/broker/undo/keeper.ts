import { type Breach, breachOfCount } from "../../files/file_limits.ts";
import type { Displaced, Entry, Placement } from "../../files/undo/entry.ts";
import { describe, outline } from "../../files/undo/entry.ts";
import type { UndoJournal } from "../../files/undo/journal.ts";
import type { Platform } from "../../platform/platform.ts";
import {
  copyAll,
  copyStep,
  type Found,
  look,
  MAX_PACKED_BYTES,
  type Packed,
  type Store,
} from "../../platform/staging.ts";
import { dirname } from "../../policy/path.ts";
import type { FileLimits } from "../../policy/profile.ts";
import { OPEN } from "../../protocol/message.ts";

const EACCES = 13;
const EDQUOT = 122;
const MAX_SEEN_DIRECTORIES = 100_000;
/** Copied while the event loop waits; anything larger lets other requests in between. */
const AT_ONCE_BYTES = 8 << 20;

export type KeeperOptions = {
  readonly journal: UndoJournal;
  readonly store: Store;
  readonly placement: Placement;
  readonly platform: Platform;
  /** Trees whose changes are not kept: they go away with the run, or keep nothing. */
  readonly untracked: readonly string[];
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly fileLimits: FileLimits;
};

/** A change would be beyond the limits of the profile: it must not happen. */
export class LimitReached extends Error {
  readonly breach: Breach;

  constructor(breach: Breach) {
    super(breach.reason);
    this.breach = breach;
  }
}

/** The quota of the run is used up: the change must not happen. */
export class QuotaReached extends Error {}

/**
 * What one run has to keep: the journal, the store, and what it already knows of each object. An object that the run has made
 * needs no image; one that has an image needs no second.
 */
export class Keeper {
  readonly store: Store;
  readonly platform: Platform;
  readonly #options: KeeperOptions;
  /** Objects that the run has made. */
  readonly own: Set<string> = new Set();
  /** Objects whose content from before is kept. */
  readonly imaged: Set<string> = new Set();
  /** Objects whose metadata from before is kept. */
  readonly described: Set<string> = new Set();
  /** Those of its own that have no name yet, and may never get one. */
  readonly unnamed: Set<string> = new Set();
  readonly copying: Map<string, Promise<unknown>> = new Map();
  readonly #directories = new Set<string>();
  #next = 0;
  #copiedBytes = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.store = options.store;
    this.platform = options.platform;
  }

  get placement(): Placement {
    return this.#options.placement;
  }

  get fileLimits(): FileLimits {
    return this.#options.fileLimits;
  }

  tracks(path: string): boolean {
    return !this.#options.untracked.some((tree) => path.startsWith(tree));
  }

  /** Gives the number of the entry. Throws QuotaReached and LimitReached. */
  record(entry: Entry): number {
    const { journal, maxEntries, fileLimits } = this.#options;
    if (journal.size >= maxEntries) throw new QuotaReached(`${maxEntries} changes`);
    if (fileLimits.maxFiles !== null && addsFile(entry)) {
      const breach = breachOfCount(this.own.size - this.unnamed.size + this.imaged.size + 1, fileLimits);
      if (breach !== null) throw new LimitReached(breach);
    }
    return journal.append(entry);
  }

  made(entry: number, target: string | number): void {
    const found = look(target);
    if (typeof found === "number") return;
    this.adopt(found.identity);
    this.#options.journal.note({ k: "made", s: entry, id: found.identity });
  }

  /** Counts an object that has a name among those of the run. The kernel may have used its identity for one that is gone. */
  adopt(identity: string): void {
    this.own.add(identity);
    this.unnamed.delete(identity);
  }

  failed(entry: number): void {
    this.#options.journal.note({ k: "void", s: entry });
  }

  /** To be called before an entry of the directory of `path` changes. */
  directoryOf(path: string): void {
    const directory = dirname(path);
    if (this.#directories.has(directory)) return;
    const found = look(directory);
    if (typeof found === "number") return;
    if (!this.own.has(found.identity) && !this.described.has(found.identity)) {
      this.record({ k: "dir", p: directory, id: found.identity, before: describe(found, directory) });
    }
    if (this.#directories.size < MAX_SEEN_DIRECTORIES) this.#directories.add(directory);
  }

  /** To be called when a name may stand for another directory from now on. */
  forgetDirectories(): void {
    this.#directories.clear();
  }

  nextName(): number {
    return this.#next++;
  }

  /**
   * Puts what stands at `path`, no directory, where an operation will take its name away: how it got there goes into the entry,
   * then `takeAway` does it. A copy is made at once, where the object can not be moved.
   */
  displaced(path: string, found: Found): Displaced {
    const n = this.nextName();
    if (found.kind === "directory")
      return { id: found.identity, n: -1, how: "moved", before: describe(found, path) };
    if (this.#options.placement === "moved")
      return { id: found.identity, n, how: "moved", before: outline(found) };
    return this.copied(path, found, n);
  }

  /** The same where moving has been tried and is impossible. */
  copied(path: string, found: Found, n: number): Displaced {
    const before = describe(found, path);
    if (found.kind === "symlink") {
      const target = this.platform.readlink(path);
      return {
        id: found.identity,
        n,
        how: "copied",
        before: typeof target === "string" ? { ...before, target } : before,
      };
    }
    if (found.kind === "file") {
      const source = this.openSource(path, found);
      if (source >= 0) {
        try {
          const packed = this.copyNow(source, n, found.sizeBytes);
          return { id: found.identity, n, how: "copied", before, ...(packed && { packed }) };
        } finally {
          this.platform.close(source);
        }
      }
    }
    return { id: found.identity, n, how: "copied", before };
  }

  /** A descriptor to copy the content from, or -errno. */
  openSource(path: string, found: Found): number {
    const flags = OPEN.read | OPEN.nonblock;
    let fd = this.platform.open(path, flags | OPEN.noatime, 0, 0);
    // Only its owner may ask for that.
    if (fd < 0) fd = this.platform.open(path, flags, 0, 0);
    if (fd < 0) return fd;
    const opened = look(fd);
    if (typeof opened !== "number" && opened.identity === found.identity) return fd;
    this.platform.close(fd);
    return -EACCES;
  }

  /** Throws QuotaReached before anything is copied. */
  reserve(bytes: number): void {
    const { maxBytes } = this.#options;
    if (this.#copiedBytes + bytes > maxBytes) throw new QuotaReached(`${maxBytes} copied bytes`);
    this.#copiedBytes += bytes;
  }

  /** Says where it is packed, if it is. */
  copyNow(source: number, n: number, bytes: number): Packed | undefined {
    this.reserve(bytes);
    const packed = bytes <= MAX_PACKED_BYTES ? this.store.pack(source, bytes) : null;
    if (typeof packed === "number") throw new QuotaReached(`errno ${-packed} of the undo store`);
    if (packed !== null) return packed;
    const target = this.#create(n);
    try {
      const result = copyAll(target, source);
      if (result < 0) throw new QuotaReached(`errno ${-result} of the undo store`);
      return undefined;
    } finally {
      this.platform.close(target);
    }
  }

  /** Copies a file of any size, other requests in between. */
  async copySlowly(source: number, n: number, bytes: number): Promise<void> {
    this.reserve(bytes);
    const target = this.#create(n);
    try {
      for (let offset = 0; ; ) {
        const step = copyStep(target, source, offset);
        if (step === "end") return;
        if (step < 0) throw new QuotaReached(`errno ${-step} of the undo store`);
        offset += step;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.platform.close(target);
    }
  }

  isSmall(bytes: number): boolean {
    return bytes <= AT_ONCE_BYTES;
  }

  #create(n: number): number {
    const target = this.store.create(String(n));
    if (target < 0) throw new QuotaReached(`errno ${-target} of the undo store`);
    return target;
  }
}

/** Says whether the run has one more file after it, of its making or changed by it. */
function addsFile(entry: Entry): boolean {
  switch (entry.k) {
    case "make":
    case "swap":
    case "image":
      return true;
    case "rename":
      return entry.from === "untracked";
    default:
      return false;
  }
}

export { EDQUOT };
