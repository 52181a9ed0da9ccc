import { binding, type NativeWatch, READY } from "./binding.ts";
import { ERRNO, errnoName } from "./errno.ts";

const EAGAIN = ERRNO["EAGAIN"]!;
const EINPROGRESS = ERRNO["EINPROGRESS"]!;
const EINTR = ERRNO["EINTR"]!;
const ACCEPTS_A_TURN = 64;
/** After a failure to accept, as for want of descriptors. */
const ACCEPT_AGAIN_MS = 100;

type Waiting = { readonly events: number; readonly resolve: () => void; readonly reject: (e: Error) => void };

/** One end of a connection, with a descriptor of its own. Errors are Node-like, with a `code`. Event-loop thread only. */
export class Stream {
  readonly fd: number;
  #watch: NativeWatch | null = null;
  #waiting: Waiting[] = [];
  #closed = false;
  #onClose: (() => void) | null = null;

  /** Takes `fd`, a connected stream socket or one whose connect is in progress. */
  constructor(fd: number) {
    this.fd = fd;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** What is there by now; null: nothing yet; empty: the peer has ended. Throws. */
  take(): Buffer | null {
    if (this.#closed) throw errorOf("ECANCELED");
    const got = binding.streamRead(this.fd);
    if (typeof got !== "number") return got;
    if (got === -EAGAIN || got === -EINTR) return null;
    throw errorOf(errnoName(-got));
  }

  /** Waits for bytes; empty: the peer has ended. */
  async read(): Promise<Buffer> {
    for (;;) {
      const got = this.take();
      if (got !== null) return got;
      await this.#wait(READY.readable);
    }
  }

  /** Resolves when the kernel has taken all of it. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#closed) throw errorOf("ECANCELED");
      const put = binding.streamWrite(this.fd, rest);
      if (put >= 0) rest = rest.subarray(put);
      else if (put === -EAGAIN) await this.#wait(READY.writable);
      else if (put !== -EINTR) throw errorOf(errnoName(-put));
    }
  }

  /** Waits for a connect that is in progress. */
  async connected(): Promise<void> {
    for (;;) {
      if (this.#closed) throw errorOf("ECANCELED");
      const result = binding.streamConnected(this.fd);
      if (result === 0) return;
      if (result !== -EINPROGRESS) throw errorOf(errnoName(-result));
      await this.#wait(READY.writable);
    }
  }

  /** The address and port of the own end or the peer's; null where there is none any more. */
  name(of: "own" | "peer"): { readonly address: Uint8Array; readonly port: number } | null {
    const name = this.#closed ? -1 : binding.streamName(this.fd, of === "peer");
    return typeof name === "number" ? null : { address: name[0], port: name[1] };
  }

  /** Ends the own side: the peer reads what was written, then the end. */
  end(): void {
    if (!this.#closed) binding.streamEnd(this.fd);
  }

  /** Whoever waits is rejected with ECANCELED. */
  close(how: "plain" | "reset" = "plain"): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.close();
    if (how === "reset") binding.streamReset(this.fd);
    binding.closeFd(this.fd);
    for (const { reject } of this.#waiting.splice(0)) reject(errorOf("ECANCELED"));
    this.#onClose?.();
  }

  /** Gives the descriptor away, as if closed. */
  release(): number {
    if (this.#closed) throw errorOf("ECANCELED");
    this.#closed = true;
    this.#watch?.close();
    for (const { reject } of this.#waiting.splice(0)) reject(errorOf("ECANCELED"));
    this.#onClose?.();
    return this.fd;
  }

  /** One at a time. */
  onClose(call: () => void): void {
    this.#onClose = call;
  }

  #wait(events: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, resolve, reject });
      this.#want();
    });
  }

  #want(): void {
    const events = this.#waiting.reduce((all, one) => all | one.events, 0);
    if (events === 0) return;
    if (this.#watch === null) this.#watch = binding.streamWatch(this.fd, events, (now) => this.#ready(now));
    else this.#watch.want(events);
  }

  #ready(events: number): void {
    const isFor = (one: Waiting): boolean => (events & (one.events | READY.gone)) !== 0;
    const ready = this.#waiting.filter(isFor);
    this.#waiting = this.#waiting.filter((one) => !isFor(one));
    this.#want();
    for (const { resolve } of ready) resolve();
  }
}

/** Accepts connections at a listening socket, and keeps count of those that are open. */
export class Listener {
  readonly #fd: number;
  readonly #maxOpen: number;
  readonly #accepted: (stream: Stream) => void;
  readonly #open = new Set<Stream>();
  readonly #watch: NativeWatch;
  #again: NodeJS.Timeout | undefined;
  #closed = false;

  /** Takes `fd`. One connection more than `maxOpen` is reset. Throws a Node-like error, `fd` closed. */
  constructor(fd: number, maxOpen: number, accepted: (stream: Stream) => void) {
    this.#fd = fd;
    this.#maxOpen = maxOpen;
    this.#accepted = accepted;
    try {
      this.#watch = binding.streamWatch(fd, READY.readable, () => this.#accept());
    } catch (error) {
      binding.closeFd(fd);
      throw error;
    }
  }

  get port(): number {
    const name = binding.streamName(this.#fd, false);
    return typeof name === "number" ? 0 : name[1];
  }

  /** Closes what is still open, too. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#again);
    this.#watch.close();
    binding.closeFd(this.#fd);
    for (const stream of [...this.#open]) stream.close("reset");
  }

  #accept(): void {
    for (let count = 0; count < ACCEPTS_A_TURN && !this.#closed; count++) {
      const fd = binding.streamAccept(this.#fd);
      if (fd === -EAGAIN) break;
      if (fd < 0) {
        this.#again = setTimeout(() => this.#watch.want(READY.readable), ACCEPT_AGAIN_MS);
        return;
      }
      const stream = new Stream(fd);
      if (this.#open.size >= this.#maxOpen) {
        stream.close("reset");
        continue;
      }
      this.#open.add(stream);
      stream.onClose(() => this.#open.delete(stream));
      this.#accepted(stream);
    }
    if (!this.#closed) this.#watch.want(READY.readable);
  }
}

function errorOf(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
