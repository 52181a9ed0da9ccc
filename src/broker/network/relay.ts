import { consume, type Level } from "../../limits/gcra.ts";
import { binding, type NativeRelay } from "../../platform/binding.ts";
import { errnoName } from "../../platform/errno.ts";
import type { Stream } from "../../platform/stream.ts";

const KIBIBYTE = 1024;
/** What is taken from the bucket at a time, at most: some 100 ms of the fastest peer. */
const MAX_SLICE_KIB = 256 * KIBIBYTE;

/** One direction that the relay carries. */
export type Carried = {
  /** Written so far. */
  bytes(): number;
  /** Resolves with what was written when the source has ended; rejects with a Node-like error when a side is gone. */
  readonly ended: Promise<number>;
  /** Ends it where it is and gives what was written; `ended` settles no more, unless it has already. */
  stop(): number;
};

type Waiting = { readonly resolve: (bytes: number) => void; readonly reject: (error: Error) => void };

/**
 * The thread that carries the bytes of a run's flows, no faster than the bucket lets it: what it may move is taken from the bucket
 * beforehand, and everything else that passes pays here as well.
 */
export class Relay {
  readonly #level: Level;
  readonly #native: NativeRelay;
  readonly #sliceKib: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #epoch = performance.now();
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  /** `level` counts KiB. Throws a Node-like error where no thread is to be had. */
  constructor(level: Level) {
    this.#level = level;
    this.#sliceKib = Math.max(1, Math.min(MAX_SLICE_KIB, Math.floor(level.burstNs / level.intervalNs / 2)));
    this.#native = binding.startRelay(
      (this.#sliceKib * KIBIBYTE) / 2,
      (id, errno, bytes) => this.#ended(id, errno, bytes),
      () => this.#grant(),
    );
    this.#grant();
  }

  /** Both sockets stay the caller's. Throws a Node-like error. */
  carry(from: Stream, to: Stream): Carried {
    // The number may be another's by now.
    if (from.isClosed || to.isClosed) throw errorOf(ECANCELED);
    const id = this.#native.add(from.fd, to.fd);
    if (id < 0) throw errorOf(-id);
    let total: number | null = null;
    const ended = new Promise<number>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    ended.then(
      (bytes) => {
        total = bytes;
      },
      ({ bytes }: { bytes: number }) => {
        total = bytes;
      },
    );
    return {
      ended,
      bytes: () => total ?? this.#native.bytes(id),
      stop: () => {
        total ??= this.#stop(id);
        return total;
      },
    };
  }

  /** Waits until the bucket has what `bytes` cost. */
  async pay(bytes: number): Promise<void> {
    for (let left = Math.ceil(bytes / KIBIBYTE); left > 0; ) {
      const part = Math.min(left, this.#sliceKib);
      const waitNs = consume([this.#level], part, this.#nowNs());
      if (waitNs === 0) left -= part;
      else await new Promise((resolve) => setTimeout(resolve, Math.ceil(waitNs / 1e6)));
      if (this.#closed) throw errorOf(ECANCELED);
    }
  }

  /** Not a byte moves any more; directions that have not ended stay so. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#refill);
    this.#native.close();
  }

  #stop(id: number): number {
    const written = this.#native.stop(id);
    this.#waiting.delete(id);
    return written;
  }

  #ended(id: number, errno: number, bytes: number): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (errno === 0) waiting?.resolve(bytes);
    else waiting?.reject(Object.assign(errorOf(errno), { bytes }));
  }

  #grant(): void {
    if (this.#refill !== undefined || this.#closed) return;
    const waitNs = consume([this.#level], this.#sliceKib, this.#nowNs());
    if (waitNs === 0) {
      this.#native.grant(this.#sliceKib * KIBIBYTE);
      return;
    }
    this.#refill = setTimeout(
      () => {
        this.#refill = undefined;
        this.#grant();
      },
      Math.ceil(waitNs / 1e6),
    );
  }

  #nowNs(): number {
    return Math.floor((performance.now() - this.#epoch) * 1e6);
  }
}

const ECANCELED = 125;

function errorOf(errno: number): NodeJS.ErrnoException {
  const code = errnoName(errno);
  return Object.assign(new Error(code), { code });
}
