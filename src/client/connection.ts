import { openSync } from "node:fs";
import { binding, type NativeChannel } from "../platform/binding.ts";
import { errnoNumber } from "../platform/errno.ts";
import { decode, encodeHello, encodeRequest } from "../protocol/codec.ts";
import { SallyportError } from "../protocol/errors.ts";
import { BROKER_PATH, type Reply, type ReplyValue, type WireRequest } from "../protocol/message.ts";
import { parseHelloReply } from "../protocol/parse.ts";
import { parseReply } from "../protocol/parse_reply.ts";

/** What a reply brought: its value, and the descriptor that came with it (-1: none), which the receiver owns. */
export type Answer = { readonly value: ReplyValue; readonly fd: number };

type Waiting = { resolve(answer: Answer): void; reject(error: SallyportError): void };

/** One channel to the broker. Requests may overlap; when the broker goes, every one that waits fails with GONE. */
export class Connection {
  readonly #channel: NativeChannel;
  readonly #waiting = new Map<number, Waiting>();
  readonly hello: Promise<{ runId: string; profileName: string }>;
  #greet: {
    resolve(hello: { runId: string; profileName: string }): void;
    reject(error: Error): void;
  } | null = null;
  #nextId = 1;
  #closed = false;

  constructor(fd: number) {
    this.#channel = binding.startChannel(
      fd,
      (bytes, _pid, _uid, _gid, fds) => this.#receive(bytes, fds),
      () => this.#fail(new SallyportError("GONE", "The broker is gone", { errno: "EPIPE" })),
    );
    this.hello = new Promise((resolve, reject) => {
      this.#greet = { resolve, reject };
    });
    this.#send(encodeHello(), -1);
  }

  /** Sends one request; rejects with the broker's SallyportError, or GONE. */
  ask(request: WireRequest): Promise<Answer> {
    if (this.#closed)
      return Promise.reject(new SallyportError("GONE", "The connection is closed", { errno: "EPIPE" }));
    const id = this.#nextId;
    this.#nextId = id === 0xffffffff ? 1 : id + 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send(encodeRequest(id, request), -1);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#fail(new SallyportError("GONE", "The connection is closed", { errno: "EPIPE" }));
    this.#channel.close();
  }

  #send(bytes: Uint8Array, fd: number): void {
    const sent = this.#channel.send(bytes, fd);
    if (sent < 0) this.#fail(new SallyportError("GONE", "Cannot send to the broker", { errno: "EPIPE" }));
  }

  #receive(bytes: Uint8Array, fds: readonly number[]): void {
    const [fd = -1, ...extra] = fds;
    for (const unexpected of extra) binding.closeFd(unexpected);
    try {
      if (this.#greet !== null) {
        this.#greet.resolve(parseHelloReply(decode(bytes)));
        this.#greet = null;
        return;
      }
      const { id, reply } = parseReply(decode(bytes));
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (waiting === undefined)
        throw new SallyportError("PROTOCOL", `Unexpected reply ${id}`, { errno: "EPROTO" });
      if (reply.ok) waiting.resolve({ value: reply.value, fd });
      else waiting.reject(failureOf(reply));
    } catch (error) {
      if (fd >= 0) binding.closeFd(fd);
      this.#fail(error as SallyportError);
    }
  }

  #fail(error: SallyportError): void {
    this.#closed = true;
    this.#greet?.reject(error);
    this.#greet = null;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

function failureOf(reply: Extract<Reply, { ok: false }>): SallyportError {
  const { code, errno, message, denial } = reply;
  return new SallyportError(code, message, denial === undefined ? { errno } : { errno, denial });
}

/**
 * Gets a channel to the broker of this run: by opening the reserved name, or, where opens are not trapped, from the inherited
 * descriptor that SALLYPORT_FD names. Which one it is decides nothing: the broker knows its callers from the kernel.
 */
export function openChannel(): number {
  const inherited = process.env["SALLYPORT_FD"];
  if (inherited !== undefined && /^\d+$/.test(inherited)) return Number(inherited);
  try {
    return openSync(BROKER_PATH, "r+");
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw new SallyportError(
      "GONE",
      `Cannot reach a broker: this process does not run under sallyport (${code}, ${errnoNumber(code)})`,
      { errno: code },
    );
  }
}
