/** The journal of one run: synchronous crash-durable appends, group-committed into a signed Merkle tree, sealed as tiles. */
import { closeSync, constants, fdatasync, mkdirSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Checkpoint, signCheckpoint } from "./checkpoint.ts";
import { AuditError } from "./errors.ts";
import { type AppendRecords, GrowingTree } from "./growing_tree.ts";
import { HEADS_FILE, writeHead } from "./heads.ts";
import type { LogKey } from "./key.ts";
import { claim } from "./owner.ts";
import { segmentName } from "./scan.ts";
import { sealLog } from "./seal.ts";
import { appendTo, createSegment, type MapShared, type Segment } from "./segment.ts";

const COMMIT_EVENTS = 256;
const COMMIT_MS = 2;
const SIGN_MS = 100;
/** The first segment is small, since allocating it is part of every launch; each next one is 4 times as large. */
const FIRST_SEGMENT_BYTES = 128 << 10;
const LAST_SEGMENT_BYTES = 4 << 20;

/** The lock file that says which process writes the journal. */
export const WRITER_FILE = "writer";

const datasync = promisify(fdatasync);

export type JournalOptions = {
  /** From `runLogDir`; made when missing, must hold no journal. */
  readonly dir: string;
  readonly run: string;
  readonly key: LogKey;
  /** `binding.mapShared`; without it every append is a write(2), which is as durable and slower. */
  readonly mapShared?: MapShared;
  /** `binding.appendRecords`; without it the same hashes are made one by one, at several times the cost. */
  readonly appendRecords?: AppendRecords;
  /** Runs what makes files, with the authority that the log folder needs; default: as it is. */
  readonly asOwner?: <T>(act: () => T) => T;
};

/** <state>/runs/<run>/log. Throws INVALID for a run id that is not a plain name. */
export function runLogDir(stateDir: string, run: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(run))
    throw new AuditError("INVALID", "Cannot use the run id");
  return join(stateDir, "runs", run, "log");
}

/** The origin line of a run's log: "sallyport/<hostid>/<run>". */
export function originOf(key: { readonly name: string }, run: string): string {
  return `${key.name}/${run}`;
}

/**
 * Owns the log folder of a run until `close`. After any failed append or commit it refuses everything: the caller must not
 * perform the effect.
 */
export class Journal {
  readonly origin: string;
  readonly #options: JournalOptions;
  readonly #headsFd: number;
  readonly #tree: GrowingTree;
  readonly #timer: NodeJS.Timeout;
  #segment: Segment;
  #segmentCount = 0;
  #spare: Segment | undefined;
  /** Offset of the first record of the current segment that is not in the tree. */
  #hashedEnd = 0;
  #size = 0;
  #last: Checkpoint | undefined;
  #signedAt = 0;
  /** The timer runs from the start, once. */
  #isArmed = true;
  #isHeadArmed = false;
  #retired: Promise<void> = Promise.resolve();
  #flushing: Promise<Checkpoint> | undefined;
  #failure: unknown;
  #isClosed = false;

  /** Throws BUSY when another process writes there, else the system error (EEXIST: it holds a log). */
  static open(options: JournalOptions): Journal {
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    const lock = join(options.dir, WRITER_FILE);
    if (claim(lock) === undefined)
      throw new AuditError("BUSY", `Cannot open "${options.dir}": it has a writer`);
    try {
      return new Journal(options);
    } catch (error) {
      unlinkSync(lock);
      throw error;
    }
  }

  private constructor(options: JournalOptions) {
    this.#options = options;
    this.#tree = new GrowingTree(options.appendRecords);
    this.origin = originOf(options.key, options.run);
    const append = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
    this.#headsFd = openSync(join(options.dir, HEADS_FILE), append | constants.O_NOFOLLOW, 0o600);
    try {
      this.#segment = this.#createSegment();
    } catch (error) {
      closeSync(this.#headsFd);
      throw error;
    }
    this.#timer = setTimeout(() => this.#onTimer(), COMMIT_MS).unref();
  }

  /** Records so far, which is the `seq` of the next one. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends one record and gives its leaf index. On return it survives SIGKILL of every process. The line is the bytes of
   * the leaf and is not looked at. Throws when the record is not in the journal.
   */
  append(line: string | Uint8Array): number {
    if (this.#failure !== undefined || this.#isClosed) throw this.#refusal();
    try {
      if (!appendTo(this.#segment, line)) this.#appendToNext(line);
    } catch (error) {
      // A record that is refused for its size leaves nothing behind.
      if (!(error instanceof AuditError && error.code === "INVALID")) this.#failure = error;
      throw error;
    }
    const index = this.#size++;
    if (this.#size - this.#tree.size >= COMMIT_EVENTS) this.#commit();
    else if (!this.#isArmed) {
      this.#isArmed = true;
      this.#timer.refresh();
    }
    return index;
  }

  /** Makes everything appended so far power-durable under a signed head. Calls that overlap share one flush. */
  async flush(): Promise<Checkpoint> {
    const wanted = this.#size;
    for (;;) {
      this.#flushing ??= this.#flushNow().finally(() => {
        this.#flushing = undefined;
      });
      const checkpoint = await this.#flushing;
      if (checkpoint.size >= wanted) return checkpoint;
    }
  }

  /** Ends the log: final head, tiles, no segments. What is appended after the call is refused. */
  async close(): Promise<Checkpoint> {
    if (this.#isClosed) throw this.#refusal();
    this.#isClosed = true;
    try {
      const checkpoint = await this.flush();
      await sealLog(this.#options.dir, checkpoint);
      return checkpoint;
    } finally {
      await this.#release();
    }
  }

  /** Leaves the log unsealed, as a killed broker would, and gives the files back. */
  async abandon(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#release();
  }

  async #flushNow(): Promise<Checkpoint> {
    try {
      this.#hashPending();
      if (this.#failure !== undefined) throw this.#refusal();
      const { size } = this.#tree;
      if (this.#last?.size === size) return this.#last;
      const root = this.#tree.root();
      this.#signedAt = performance.now();
      // Records first: a head on disk without its records would look like a tail that was cut.
      await Promise.all([datasync(this.#segment.fd), this.#retired]);
      const checkpoint = signCheckpoint(this.#options.key, this.origin, size, root);
      writeHead(this.#headsFd, checkpoint);
      await datasync(this.#headsFd);
      this.#last = checkpoint;
      return checkpoint;
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  #commit(): void {
    try {
      this.#hashPending();
    } catch (error) {
      this.#failure ??= error;
      return;
    }
    if (this.#flushing !== undefined || performance.now() - this.#signedAt < SIGN_MS) return;
    // Its failure is kept in #failure and refuses the next append.
    this.flush().catch(() => undefined);
  }

  #hashPending(): void {
    const { image, end } = this.#segment;
    if (this.#hashedEnd === end) return;
    this.#tree.append(image, this.#hashedEnd, end);
    this.#hashedEnd = end;
  }

  #appendToNext(line: string | Uint8Array): void {
    this.#hashPending();
    const full = this.#segment;
    this.#segment = this.#spare ?? this.#createSegment();
    this.#spare = undefined;
    this.#hashedEnd = 0;
    const flushing = this.#flushing;
    // A flush under way uses the descriptor too. The next flush awaits this one.
    const synced = datasync(full.fd).finally(() =>
      Promise.allSettled([flushing]).then(() => closeSync(full.fd)),
    );
    this.#retired = Promise.all([this.#retired, synced]).then(() => undefined);
    this.#retired.catch((error: unknown) => {
      this.#failure ??= error;
    });
    if (!appendTo(this.#segment, line))
      throw new AuditError("INTERNAL", "A record does not fit an empty segment");
  }

  #createSegment(): Segment {
    const index = this.#segmentCount++;
    const capacity = Math.min(FIRST_SEGMENT_BYTES * 4 ** index, LAST_SEGMENT_BYTES);
    const { dir, mapShared, asOwner } = this.#options;
    const make = (): Segment => createSegment(join(dir, segmentName(index)), capacity, mapShared);
    return asOwner === undefined ? make() : asOwner(make);
  }

  #onTimer(): void {
    this.#isArmed = false;
    if (this.#isClosed || this.#failure !== undefined) return;
    this.#commit();
    try {
      // Off the path of a request: allocating and mapping 4 MiB takes milliseconds.
      if (this.#segment.end > this.#segment.image.length / 2) this.#spare ??= this.#createSegment();
    } catch (error) {
      this.#failure ??= error;
    }
    if (this.#tree.size !== (this.#last?.size ?? 0)) this.#armForHead();
  }

  #armForHead(): void {
    if (this.#isHeadArmed) return;
    this.#isHeadArmed = true;
    const wait = Math.max(COMMIT_MS, SIGN_MS - (performance.now() - this.#signedAt));
    setTimeout(() => {
      this.#isHeadArmed = false;
      if (!this.#isClosed && this.#failure === undefined) this.#commit();
    }, wait).unref();
  }

  #refusal(): AuditError {
    const why = this.#failure === undefined ? "it is closed" : "an earlier write failed";
    return new AuditError("SYSTEM", `Cannot append to the journal: ${why}`, -1, { cause: this.#failure });
  }

  async #release(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.allSettled([this.#flushing, this.#retired]);
    closeSync(this.#segment.fd);
    if (this.#spare !== undefined) closeSync(this.#spare.fd);
    closeSync(this.#headsFd);
    unlinkSync(join(this.#options.dir, WRITER_FILE));
  }
}
