import type { NativeBinding, NativeChannel } from "../platform/binding.ts";
import { decode, encodeHello, encodeRequest } from "../protocol/codec.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { FailureCode, Reply, ReplyValue, WireRequest } from "../protocol/message.ts";
import { parseHelloReply } from "../protocol/parse.ts";
import { parseReply } from "../protocol/parse_reply.ts";

/** What a reply brought: its value, and the descriptor that came with it (-1: none), which the receiver owns. */
export type Answer = { readonly value: ReplyValue; readonly fd: number };
export type Hello = { readonly runId: string; readonly profileName: string };

type Waiting = { resolve(answer: Answer): void; reject(error: unknown): void };

const SEND_MS = 5_000;

/** One channel to the broker. Requests may overlap; when the broker goes, every one that waits fails with GONE, outcome unknown. */
export class Connection {
  readonly #binding: NativeBinding;
  readonly #fd: number;
  readonly #channel: NativeChannel;
  readonly #waiting = new Map<number, Waiting>();
  readonly hello: Promise<Hello>;
  #greet: { resolve(hello: Hello): void; reject(error: Error): void } | null = null;
  #nextId = 1;
  #closed = false;

  /** Takes `fd`. The event loop goes on while a request waits, and not for the connection itself. */
  constructor(binding: NativeBinding, fd: number) {
    this.#binding = binding;
    this.#fd = fd;
    this.#channel = binding.startChannel(
      fd,
      (bytes, _pid, _uid, _gid, fds) => this.#receive(bytes, fds),
      () => this.#fail("GONE", "The broker is gone"),
    );
    this.hello = new Promise((resolve, reject) => {
      this.#greet = { resolve, reject };
    });
    // Whoever asks first hears of it.
    this.hello.catch(() => {});
    this.#send(encodeHello(), []);
    this.#keepLoop();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one request with its descriptors, which stay the caller's. Rejects with the broker's SallyportError, with GONE, or with
   * the reason of `signal`: what was sent by then may still be done, and a descriptor that it brings is closed.
   */
  ask(request: WireRequest, descriptors: readonly number[] = [], signal?: AbortSignal): Promise<Answer> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(gone("The connection is closed", "none"));
    const id = this.#nextId;
    this.#nextId = id === 0xffffffff ? 1 : id + 1;
    return new Promise((resolve, reject) => {
      const frame = encodeRequest(id, request);
      const abort = (): void => {
        this.#waiting.set(id, { resolve: ({ fd }) => this.#closeFd(fd), reject: () => {} });
        reject(signal?.reason);
      };
      const forget = (): void => signal?.removeEventListener("abort", abort);
      this.#waiting.set(id, {
        resolve: (answer) => {
          forget();
          resolve(answer);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      });
      signal?.addEventListener("abort", abort, { once: true });
      this.#send(frame, descriptors);
      this.#keepLoop();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#fail("GONE", "The connection is closed");
    this.#channel.close();
  }

  #send(bytes: Uint8Array, descriptors: readonly number[]): void {
    const sent =
      descriptors.length === 0
        ? this.#channel.send(bytes, -1)
        : this.#binding.messageSend(this.#fd, bytes, descriptors, SEND_MS);
    if (sent < 0) this.#fail("GONE", "Cannot send to the broker");
  }

  #receive(bytes: Uint8Array, fds: readonly number[]): void {
    const [fd = -1, ...extra] = fds;
    for (const unexpected of extra) this.#closeFd(unexpected);
    try {
      if (this.#greet !== null) {
        this.#greet.resolve(parseHelloReply(decode(bytes)));
        this.#greet = null;
        this.#keepLoop();
        return;
      }
      const { id, reply } = parseReply(decode(bytes));
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      this.#keepLoop();
      // No request has the id 0: the broker could not tell what this is the answer to, and ends the channel.
      if (id === 0 && !reply.ok) throw new SallyportError("GONE", `The broker is gone: ${reply.message}`);
      if (waiting === undefined) throw new SallyportError("PROTOCOL", `Unexpected reply ${id}`);
      if (reply.ok) {
        waiting.resolve({ value: reply.value, fd });
      } else {
        this.#closeFd(fd);
        waiting.reject(failureOf(reply));
      }
    } catch (error) {
      this.#closeFd(fd);
      const { code, message } = error as SallyportError;
      this.#fail(code, message);
      this.#channel.close();
    }
  }

  #keepLoop(): void {
    if (this.#closed) return;
    if (this.#greet !== null || this.#waiting.size > 0) this.#channel.ref();
    else this.#channel.unref();
  }

  #closeFd(fd: number): void {
    if (fd >= 0) this.#binding.closeFd(fd);
  }

  #fail(code: FailureCode, message: string): void {
    this.#closed = true;
    const error = new SallyportError(code, message, { outcome: "unknown" });
    this.#greet?.reject(error);
    this.#greet = null;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

function gone(message: string, outcome: "none" | "unknown"): SallyportError {
  return new SallyportError("GONE", message, { outcome });
}

/** The error that a failed reply stands for. */
export function failureOf(reply: Extract<Reply, { ok: false }>): SallyportError {
  const { code, errno, message, denial } = reply;
  return new SallyportError(code, message, denial === undefined ? { errno } : { errno, denial });
}
