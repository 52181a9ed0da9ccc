import {
  close,
  createReadStream,
  createWriteStream,
  fstat,
  fsync,
  ftruncate,
  type ReadStream,
  read,
  type Stats,
  type WriteStream,
  write,
} from "node:fs";
import { promisify } from "node:util";

/** Bytes `startBytes` up to and with `endBytes`. */
export type ReadStreamOptions = {
  readonly startBytes?: number;
  readonly endBytes?: number;
  readonly signal?: AbortSignal;
};
export type WriteStreamOptions = { readonly startBytes?: number; readonly signal?: AbortSignal };

const readAt = promisify(read);
const writeAt = promisify(write);

/**
 * An open file whose descriptor came from the broker. Reads and writes go straight to the kernel. Closing is the owner's
 * duty (`await using` does it).
 */
export class FileHandle {
  readonly fd: number;
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Reads into `buffer` at `position` (null: where the last read ended); gives the number of bytes, 0 at the end. */
  async read(buffer: Uint8Array, position: number | null = null): Promise<number> {
    const { bytesRead } = await readAt(this.fd, buffer, 0, buffer.byteLength, position);
    return bytesRead;
  }

  /** Reads all that follows. */
  async readFile(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.allocUnsafe(64 * 1024);
      const bytes = await this.read(chunk);
      if (bytes === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, bytes));
    }
  }

  /** Writes all of `data` at `position` (null: where the last write ended). */
  async write(data: Uint8Array | string, position: number | null = null): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let done = 0; done < bytes.byteLength; ) {
      const at = position === null ? null : position + done;
      const { bytesWritten } = await writeAt(this.fd, bytes, done, bytes.byteLength - done, at);
      done += bytesWritten;
    }
  }

  truncate(sizeBytes: number): Promise<void> {
    return promisify(ftruncate)(this.fd, sizeBytes);
  }

  sync(): Promise<void> {
    return promisify(fsync)(this.fd);
  }

  stat(): Promise<Stats> {
    return promisify(fstat)(this.fd) as Promise<Stats>;
  }

  /** Reads as a stream, which owns the descriptor from now on and closes it at its end. */
  createReadStream({ startBytes, endBytes, signal }: ReadStreamOptions = {}): ReadStream {
    this.#giveAway();
    const range = {
      ...(startBytes === undefined ? {} : { start: startBytes }),
      ...(endBytes === undefined ? {} : { end: endBytes }),
    };
    return createReadStream("", { fd: this.fd, ...range, ...optional(signal) });
  }

  /** Writes as a stream, which owns the descriptor from now on and closes it at its end. */
  createWriteStream({ startBytes, signal }: WriteStreamOptions = {}): WriteStream {
    this.#giveAway();
    const at = startBytes === undefined ? {} : { start: startBytes };
    return createWriteStream("", { fd: this.fd, ...at, ...optional(signal) });
  }

  #giveAway(): void {
    if (!this.#open) throw Object.assign(new Error("The file is closed"), { code: "EBADF" });
    this.#open = false;
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await promisify(close)(this.fd);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function optional(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
