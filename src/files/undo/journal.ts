import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { SallyportError } from "../../protocol/errors.ts";
import type { Entry } from "./entry.ts";

const FILE = "undo.journal";

/**
 * Appends the undo journal of one run. An entry is in the page cache when `append` returns: it survives the death of every
 * process of ours, which is what an effect may follow upon.
 */
export class UndoJournal {
  readonly #fd: number;
  #lines: number;
  #waiting = "";

  /** Takes the descriptor, open for appending at the end of `lines` whole lines. */
  constructor(fd: number, lines: number) {
    this.#fd = fd;
    this.#lines = lines;
  }

  /** Goes on with the journal of a run. What a killed broker left of its last line is cut off. */
  static continue(directory: string): UndoJournal {
    const file = journalFile(directory);
    const bytes = readFileSync(file);
    truncateSync(file, bytes.lastIndexOf(10) + 1);
    return new UndoJournal(openSync(file, "a+", 0o600), readJournal(directory).length);
  }

  /** Makes the journal of a new run in `directory`. */
  static create(directory: string): UndoJournal {
    return new UndoJournal(openSync(journalFile(directory), "ax+", 0o600), 0);
  }

  get size(): number {
    return this.#lines;
  }

  /** Gives the number of the line. Throws when it can not be written: then its effect must not happen. */
  append(entry: Entry): number {
    const number = this.note(entry);
    this.flush();
    return number;
  }

  /** Like `append`, for what may be lost with the broker: it goes out with the next entry. */
  note(entry: Entry): number {
    this.#waiting += `${JSON.stringify(entry)}\n`;
    return this.#lines++;
  }

  flush(): void {
    if (this.#waiting === "") return;
    const size = Buffer.byteLength(this.#waiting);
    let done = writeSync(this.#fd, this.#waiting);
    if (done < size) {
      const bytes = Buffer.from(this.#waiting);
      while (done < size) done += writeSync(this.#fd, bytes, done);
    }
    this.#waiting = "";
  }

  /** Every entry, by the descriptor: no path is needed, so no authority. */
  read(): Entry[] {
    this.flush();
    const bytes = Buffer.alloc(fstatSync(this.#fd).size);
    for (let done = 0; done < bytes.length; ) {
      const got = readSync(this.#fd, bytes, done, bytes.length - done, done);
      if (got === 0) break;
      done += got;
    }
    return parse(bytes, "the undo journal");
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }
}

/** Where a run keeps what is its own. Throws INVALID for what is no run id. */
export function runDirectory(state: string, run: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(run))
    throw new SallyportError("INVALID", `Cannot use "${run}" as a run: sallyport undo list names them`);
  return join(state, "runs", run);
}

export function journalFile(directory: string): string {
  return join(directory, FILE);
}

export function hasJournal(directory: string): boolean {
  return existsSync(journalFile(directory));
}

/**
 * Every whole entry of a journal. What a killed broker left without its end is not one: its effect had not begun. Throws INVALID for
 * what is no journal.
 */
export function readJournal(directory: string): Entry[] {
  const file = journalFile(directory);
  return parse(readFileSync(file), `"${file}"`);
}

function parse(bytes: Buffer, what: string): Entry[] {
  const lines = bytes
    .toString("utf8", 0, bytes.lastIndexOf(10) + 1)
    .split("\n")
    .slice(0, -1);
  try {
    const entries = lines.map((line) => JSON.parse(line) as Entry);
    if (entries[0]?.k === "begin" && entries[0].v === 1) return entries;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new SallyportError("INVALID", `Cannot read ${what}: it is no undo journal`);
}
