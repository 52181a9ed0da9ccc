import type { FileHandle } from "./file.ts";
import type { Link } from "./link.ts";

/** A write of a whole file that nobody sees before it is committed. Ending it is the owner's duty (`await using` discards it). */
export class Transaction {
  /** Empty at the beginning. */
  readonly file: FileHandle;
  readonly #link: Link;
  readonly #path: string;
  readonly #number: number;
  #open = true;

  constructor(link: Link, path: string, number: number, file: FileHandle) {
    this.#link = link;
    this.#path = path;
    this.#number = number;
    this.file = file;
  }

  /**
   * Closes the file and puts it in its place. Rejects with DENIED when it is beyond a limit of the profile, with ESTALE when what
   * stands there has changed since, with EBUSY while a copy of the descriptor is open elsewhere: then it can be tried again.
   */
  async commit(signal?: AbortSignal): Promise<void> {
    await this.file.close();
    await this.#link.ask({ op: "commit", path: this.#path, transaction: this.#number }, { signal });
    this.#open = false;
  }

  async discard(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.file.close();
    await this.#link.ask({ op: "discard", path: this.#path, transaction: this.#number });
  }

  /** One that failed to be committed is over already, or goes with the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.discard().catch(() => {});
  }
}
