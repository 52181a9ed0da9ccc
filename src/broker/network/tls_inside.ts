import { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import { TLSSocket } from "node:tls";
import type { Stream } from "../../platform/stream.ts";

/** The program's side of a connection, in the clear or behind TLS that ends here. */
export type Inside = Pick<Stream, "read" | "write" | "end" | "close">;

const EMPTY = Buffer.alloc(0);
/** For the last bytes and the end of TLS to be taken. */
const CLOSE_MS = 5000;

/**
 * Answers the TLS that a program begins, as the server that the context is for, and speaks HTTP/1.1 alone. Takes `stream`; `first`
 * was read of it already. Rejects, with `stream` closed, when there is no agreement within `timeoutMs`.
 */
export function acceptTls(
  stream: Stream,
  first: Buffer,
  secureContext: SecureContext,
  timeoutMs: number,
): Promise<Inside> {
  return new Promise((resolve, reject) => {
    const tls = new TLSSocket(new StreamDuplex(stream, first) as never, {
      isServer: true,
      secureContext,
      ALPNProtocols: ["http/1.1"],
    });
    const timer = setTimeout(() => tls.destroy(new Error("ETIMEDOUT")), timeoutMs);
    tls.on("error", reject);
    tls.on("close", () => {
      clearTimeout(timer);
      reject(new Error("ECONNRESET"));
    });
    tls.once("secure", () => {
      clearTimeout(timer);
      resolve(new TlsInside(tls, stream));
    });
  });
}

class TlsInside implements Inside {
  readonly #tls: TLSSocket;
  readonly #stream: Stream;
  #ended = false;
  #wake: () => void = () => {};

  constructor(tls: TLSSocket, stream: Stream) {
    this.#tls = tls;
    this.#stream = stream;
    tls.on("end", () => {
      this.#ended = true;
    });
    for (const event of ["readable", "end", "close", "error"]) tls.on(event, () => this.#wake());
  }

  /** One reader at a time. */
  async read(): Promise<Buffer> {
    for (;;) {
      const chunk = this.#tls.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.#ended) return EMPTY;
      if (this.#tls.destroyed) throw new Error("ECANCELED");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#tls.write(bytes, (error) => (error == null ? resolve() : reject(error)));
    });
  }

  end(): void {
    this.#tls.end();
  }

  close(how: "plain" | "reset" = "plain"): void {
    if (how === "reset" || this.#tls.destroyed) {
      // First: an end without a reset could be taken for that of a whole reply.
      this.#stream.close("reset");
      this.#tls.destroy();
      return;
    }
    const timer = setTimeout(() => this.#tls.destroy(), CLOSE_MS);
    this.#tls.end(() => {
      clearTimeout(timer);
      this.#tls.destroy();
    });
  }
}

/** A stream as Node's TLS takes one. */
class StreamDuplex extends Duplex {
  readonly #stream: Stream;
  #first: Buffer;

  constructor(stream: Stream, first: Buffer) {
    super();
    this.#stream = stream;
    this.#first = first;
  }

  override _read(): void {
    if (this.#first.length > 0) {
      const first = this.#first;
      this.#first = EMPTY;
      this.push(first);
      return;
    }
    this.#stream.read().then(
      (chunk) => this.push(chunk.length === 0 ? null : chunk),
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#stream.write(chunk).then(() => done(), done);
  }

  override _final(done: () => void): void {
    this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.close(error === null ? "plain" : "reset");
    done(error);
  }
}
