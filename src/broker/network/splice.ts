import type { Stream } from "../../platform/stream.ts";
import type { NetworkRule } from "../../policy/network.ts";
import type { Carried, Relay } from "./relay.ts";

/** What of the bytes of one direction goes on, once it is known; "refuse" ends both sides without passing any of it on. */
export type Shape = {
  take(chunk: Buffer): Buffer | "refuse";
  /** From here on bytes pass as they are. */
  readonly isPlain: boolean;
};
export const AS_IT_IS: Shape = { take: (chunk) => chunk, isPlain: true };

export type SpliceOptions = {
  /** Bytes from inside that were read already; `up` gets them even where there are none. */
  readonly first: Buffer;
  readonly up: Shape;
  readonly down: Shape;
  readonly relay: Relay;
  /** Without a byte either way for this long, both sides are closed. */
  readonly idleMs: number;
};

export type SpliceEnd = "done" | "idle" | "refused" | "failed";
export type Spliced = {
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly end: SpliceEnd;
  /** Where the end does not say it. */
  readonly errno?: string;
  readonly rule?: NetworkRule;
};
export type Splicing = { readonly done: Promise<Spliced>; cancel(): void };

/**
 * Joins two connections until both have ended or one fails, and closes them; never rejects. Bytes are read here as long as something
 * may have to be changed in them, and moved by the relay from then on.
 */
export function splice(inside: Stream, outside: Stream, options: SpliceOptions): Splicing {
  const { relay } = options;
  const up = new Way(inside, outside, options.up, relay);
  const down = new Way(outside, inside, options.down, relay);
  let finish: (end: SpliceEnd) => void = () => {};
  const ended = new Promise<SpliceEnd>((resolve) => {
    finish = resolve;
  });
  Promise.all([up.pass(options.first), down.pass(EMPTY)]).then(
    () => finish("done"),
    (error: unknown) => finish(error === REFUSED ? "refused" : "failed"),
  );
  const stopWatching = watchIdle(
    () => up.bytes + down.bytes,
    options.idleMs,
    () => finish("idle"),
  );
  const done = ended.then((end) => {
    stopWatching();
    const [bytesUp, bytesDown] = [up.stop(), down.stop()];
    // A reset says that the stream was cut, not that it is whole.
    for (const one of [inside, outside]) one.close(end === "done" ? "plain" : "reset");
    return { bytesUp, bytesDown, end };
  });
  return { done, cancel: () => finish("failed") };
}

const EMPTY = Buffer.alloc(0);
const REFUSED = new Error("refused");

/** One direction. */
class Way {
  readonly #from: Stream;
  readonly #to: Stream;
  readonly #shape: Shape;
  readonly #relay: Relay;
  #written = 0;
  #carried: Carried | null = null;
  #stopped = false;

  constructor(from: Stream, to: Stream, shape: Shape, relay: Relay) {
    this.#from = from;
    this.#to = to;
    this.#shape = shape;
    this.#relay = relay;
  }

  get bytes(): number {
    return this.#written + (this.#carried?.bytes() ?? 0);
  }

  /** Resolves when the source has ended, all of it is written, and the sink has been told. */
  async pass(first: Buffer): Promise<void> {
    const isPlain = this.#shape.isPlain;
    if (!isPlain || first.length > 0) await this.#write(first);
    while (!this.#shape.isPlain) {
      const chunk = await this.#from.read();
      if (chunk.length === 0) return this.#to.end();
      await this.#write(chunk);
    }
    if (this.#stopped) return;
    this.#carried = this.#relay.carry(this.#from, this.#to);
    await this.#carried.ended;
  }

  stop(): number {
    this.#stopped = true;
    return this.#written + (this.#carried?.stop() ?? 0);
  }

  async #write(chunk: Buffer): Promise<void> {
    const shaped = this.#shape.take(chunk);
    if (shaped === "refuse") throw REFUSED;
    if (shaped.length === 0) return;
    await this.#relay.pay(shaped.length);
    await this.#to.write(shaped);
    this.#written += shaped.length;
  }
}

/** Gives what ends it. */
function watchIdle(bytes: () => number, idleMs: number, idle: () => void): () => void {
  let last = -1;
  const check = setInterval(() => {
    const now = bytes();
    if (now === last) idle();
    last = now;
  }, idleMs);
  return () => clearInterval(check);
}
