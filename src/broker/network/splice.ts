import type { Socket } from "node:net";

/** What of the bytes of one direction goes on, once it is known; "refuse" ends both sides without passing any of it on. */
export type Shape = (chunk: Buffer) => Buffer | "refuse";
export const AS_IT_IS: Shape = (chunk) => chunk;

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

export type Spliced = {
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly end: "done" | "idle" | "refused" | "failed";
};

/** Joins two sockets until both have ended or one fails. Memory is bounded by the buffers of the sockets. Never rejects. */
export function splice(inside: Socket, outside: Socket, options: SpliceOptions): Promise<Spliced> {
  return new Promise((resolve) => {
    let bytesUp = 0;
    let bytesDown = 0;
    let ended = 0;
    let settled = false;
    const timers = new Set<NodeJS.Timeout>();
    const finish = (end: Spliced["end"]): void => {
      if (settled) return;
      settled = true;
      for (const timer of timers) clearTimeout(timer);
      if (end === "done") {
        inside.destroySoon();
        outside.destroySoon();
      } else {
        // A reset says that the stream was cut, not that it is whole.
        inside.resetAndDestroy();
        outside.resetAndDestroy();
      }
      resolve({ bytesUp, bytesDown, end });
    };

    const pass = (from: Socket, to: Socket, chunk: Buffer): void => {
      const waitMs = options.pace(chunk.length);
      if (to.write(chunk) && waitMs === 0) return;
      from.pause();
      if (waitMs > 0) {
        const timer = setTimeout(() => {
          timers.delete(timer);
          if (!to.writableNeedDrain) from.resume();
        }, waitMs);
        timers.add(timer);
      }
    };
    const join = (from: Socket, to: Socket, take: (chunk: Buffer) => void): void => {
      from.on("data", take);
      from.on("end", () => {
        to.end();
        if (++ended === 2) finish("done");
      });
      to.on("drain", () => {
        if (timers.size === 0) from.resume();
      });
      from.on("error", () => finish("failed"));
      from.on("close", () => finish(ended > 0 ? "done" : "failed"));
      from.setTimeout(options.idleMs, () => finish("idle"));
    };
    const takeUp = (chunk: Buffer): void => {
      const shaped = options.up(chunk);
      if (shaped === "refuse") finish("refused");
      else if (shaped.length > 0) {
        bytesUp += shaped.length;
        pass(inside, outside, shaped);
      }
    };
    const takeDown = (chunk: Buffer): void => {
      const shaped = options.down(chunk);
      if (shaped === "refuse") finish("refused");
      else if (shaped.length > 0) {
        bytesDown += shaped.length;
        pass(outside, inside, shaped);
      }
    };
    // Whoever went away while the other was being connected will not say so again.
    if (inside.destroyed || outside.destroyed) {
      finish("failed");
      return;
    }
    join(inside, outside, takeUp);
    join(outside, inside, takeDown);
    takeUp(options.first);
    if (settled) return;
    inside.resume();
    outside.resume();
  });
}
