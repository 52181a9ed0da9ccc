import type { Socket } from "node:net";
import { binding, type NativePump } from "../../platform/binding.ts";

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
  /** Gives the milliseconds to wait after that many bytes. */
  readonly pace: (bytes: number) => number;
  /** Without a byte either way for this long, both sides are closed. */
  readonly idleMs: number;
};

export type SpliceEnd = "done" | "idle" | "refused" | "failed";
export type Spliced = { readonly bytesUp: number; readonly bytesDown: number; readonly end: SpliceEnd };

const TICK_MS = 200;
const EMPTY = Buffer.alloc(0);

/**
 * Joins two sockets until both have ended or one fails; never rejects. What comes down, the bulk of most flows, is moved by the
 * kernel as soon as nothing is to be changed in it. Memory is bounded by the buffers of the sockets.
 */
export function splice(inside: Socket, outside: Socket, options: SpliceOptions): Promise<Spliced> {
  return new Promise((resolve) => new Splice(inside, outside, options, resolve).start());
}

class Splice {
  readonly #inside: Socket;
  readonly #outside: Socket;
  readonly #options: SpliceOptions;
  readonly #resolve: (spliced: Spliced) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #pump: NativePump | null = null;
  #bytesUp = 0;
  #bytesDown = 0;
  #ended = 0;
  #settled = false;

  constructor(inside: Socket, outside: Socket, options: SpliceOptions, resolve: (spliced: Spliced) => void) {
    this.#inside = inside;
    this.#outside = outside;
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    // Whoever went away while the other was being connected will not say so again.
    if (this.#inside.destroyed || this.#outside.destroyed) {
      this.#finish("failed");
      return;
    }
    for (const socket of [this.#inside, this.#outside]) {
      socket.on("error", () => this.#finish("failed"));
      socket.on("close", () => this.#finish(this.#ended > 0 ? "done" : "failed"));
    }
    this.#inside.on("data", (chunk: Buffer) => this.#takeUp(chunk));
    this.#inside.on("end", () => {
      this.#outside.end();
      this.#oneEnded();
    });
    this.#outside.on("drain", () => this.#inside.resume());
    this.#watchIdle();
    this.#takeUp(this.#options.first);
    if (this.#settled) return;
    this.#inside.resume();
    if (this.#options.down.isPlain) this.#moveDown();
    else this.#shapeDown();
  }

  #takeUp(chunk: Buffer): void {
    const shaped = this.#options.up.take(chunk);
    if (shaped === "refuse") {
      this.#finish("refused");
      return;
    }
    if (shaped.length === 0) return;
    this.#bytesUp += shaped.length;
    const waitMs = this.#options.pace(shaped.length);
    const flushed = this.#outside.write(shaped);
    if (!flushed || waitMs > 0) this.#inside.pause();
    if (waitMs > 0) {
      this.#after(waitMs, () => {
        if (!this.#outside.writableNeedDrain) this.#inside.resume();
      });
    }
  }

  /** Reads what comes down until `down` has no more to change in it. */
  #shapeDown(): void {
    const outside = this.#outside;
    const take = (chunk: Buffer): void => {
      const shaped = this.#options.down.take(chunk);
      if (shaped === "refuse") {
        this.#finish("refused");
        return;
      }
      this.#bytesDown += shaped.length;
      if (shaped.length > 0) this.#inside.write(shaped);
      if (!this.#options.down.isPlain) return;
      // Nothing may be read here any more: the pump reads from now on.
      handleOf(outside)?.readStop();
      outside.off("data", take);
      outside.pause();
      const rest = outside.read() as Buffer | null;
      if (rest !== null) this.#bytesDown += rest.length;
      if (rest !== null) this.#inside.write(rest);
      if (!outside.readableEnded) this.#moveDown();
    };
    outside.on("data", take);
    outside.on("end", () => {
      this.#inside.end();
      this.#oneEnded();
    });
    outside.resume();
  }

  #moveDown(): void {
    // What was written by us comes first.
    this.#inside.write(EMPTY, (error) => {
      const from = handleOf(this.#outside);
      const to = handleOf(this.#inside);
      if (this.#settled) return;
      if (error != null || from === null || to === null) {
        this.#finish("failed");
        return;
      }
      const pump = this.#startPump(from.fd, to.fd);
      if (pump === null) {
        this.#finish("failed");
        return;
      }
      this.#pump = pump;
      let seen = 0;
      const tick = setInterval(() => {
        const moved = pump.bytes() - seen;
        seen += moved;
        const waitMs = this.#pump === null ? 0 : this.#options.pace(moved);
        if (waitMs === 0) return;
        pump.pause();
        this.#after(waitMs, () => pump.resume());
      }, TICK_MS);
      this.#timers.add(tick);
    });
  }

  /** null: there are no descriptors left for it. */
  #startPump(from: number, to: number): NativePump | null {
    try {
      return binding.startPump(from, to, (errno) => {
        this.#takeStock();
        this.#pump = null;
        if (errno === 0) this.#oneEnded();
        else this.#finish("failed");
      });
    } catch {
      return null;
    }
  }

  #oneEnded(): void {
    if (++this.#ended === 2) this.#finish("done");
  }

  #watchIdle(): void {
    let last = -1;
    const check = setInterval(() => {
      const now = this.#bytesUp + this.#bytesDown + (this.#pump?.bytes() ?? 0);
      if (now === last) this.#finish("idle");
      last = now;
    }, this.#options.idleMs);
    this.#timers.add(check);
  }

  #after(milliseconds: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#settled) act();
    }, milliseconds);
    this.#timers.add(timer);
  }

  #takeStock(): void {
    this.#bytesDown += this.#pump?.bytes() ?? 0;
  }

  #finish(end: SpliceEnd): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#takeStock();
    this.#pump?.close();
    if (end === "done") {
      this.#inside.destroySoon();
      this.#outside.destroySoon();
    } else {
      // A reset says that the stream was cut, not that it is whole.
      this.#inside.resetAndDestroy();
      this.#outside.resetAndDestroy();
    }
    this.#resolve({ bytesUp: this.#bytesUp, bytesDown: this.#bytesDown, end });
  }
}

type Handle = { readonly fd: number; readStop(): number };

/** libuv's handle of a socket; Node has no public name for it. */
function handleOf(socket: Socket): Handle | null {
  return (socket as unknown as { readonly _handle: Handle | null })._handle;
}
