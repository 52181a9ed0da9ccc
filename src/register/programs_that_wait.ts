import type { Denial } from "../protocol/message.ts";
import { uvNumber } from "./node_error.ts";
import { nodeBinding } from "./node_fs.ts";
import { endOf, type SpawnOptions, type Started, type Starter, startPlainly } from "./start.ts";

type WaitOptions = SpawnOptions & {
  readonly timeout?: number;
  readonly maxBuffer?: number;
  readonly killSignal?: number;
};
/** What Node's own gives; `error` is libuv's number. */
type Result = {
  pid: number;
  status: number | null;
  signal: string | null;
  output: (Buffer | null)[] | null;
  error?: number;
};
type WaitBinding = { spawn(options: WaitOptions): Result };

const EACCES = uvNumber("EACCES");
const AGAIN = -11;
const LOOK_MS = 1;
const SIGTERM = 15;

/** `spawnSync` and what is made of it. */
export function registerProgramsThatWait(starter: Starter): void {
  const binding = nodeBinding("spawn_sync", ["spawn"]) as unknown as WaitBinding;
  const original = binding.spawn;
  binding.spawn = (options) => {
    const started = starter.start(options);
    if (started === null) {
      const result = startPlainly(options, (plain) => original.call(binding, plain));
      return result.error === EACCES ? told(result, starter.denialOf(options)) : result;
    }
    if ("number" in started) {
      const result = { pid: 0, status: null, signal: null, output: null, error: started.number };
      return told(result, started.denial);
    }
    return new Wait(starter, options, started).run();
  };
}

/** Carries the bytes of one program until it has ended and nobody holds its output. */
class Wait {
  readonly #starter: Starter;
  readonly #options: WaitOptions;
  readonly #started: Started;
  readonly #pipes: number[];
  readonly #chunks: Buffer[][] = [[], [], []];
  readonly #sizes = [0, 0, 0];
  readonly #deadlineMs: number;
  #input: Uint8Array;
  #end: Uint8Array | null = null;
  #error = 0;

  constructor(starter: Starter, options: WaitOptions, started: Started) {
    this.#starter = starter;
    this.#options = options;
    this.#started = started;
    this.#pipes = [...started.pipes];
    this.#input = bytesOf(options.stdio?.[0]?.input);
    this.#deadlineMs = options.timeout ? performance.now() + options.timeout : Number.POSITIVE_INFINITY;
  }

  run(): Result {
    while (this.#end === null || this.#pipes.slice(1).some((fd) => fd >= 0)) {
      if (this.#error === 0 && performance.now() >= this.#deadlineMs) this.#stop("ETIMEDOUT");
      const moved = [this.#write(), this.#read(1), this.#read(2)].some(Boolean);
      if (!moved) this.#look();
    }
    this.#close(0);
    this.#starter.calls.binding.closeFd(this.#started.end);
    this.#starter.ended();
    const { exitCode, signal } = endOf(this.#end);
    const output = this.#started.pipes.map((fd, index) =>
      fd < 0 || index === 0 ? null : Buffer.concat(this.#chunks[index]!),
    );
    const result = { pid: this.#started.pid, status: exitCode, signal, output };
    return this.#error === 0 ? result : { ...result, error: this.#error };
  }

  #write(): boolean {
    const fd = this.#pipes[0]!;
    if (fd < 0) return false;
    if (this.#input.length === 0) return this.#close(0);
    const written = this.#starter.calls.binding.streamWrite(fd, this.#input);
    if (written === AGAIN) return false;
    // It does not read, and needs not to.
    if (written < 0) return this.#close(0);
    this.#input = this.#input.subarray(written);
    return true;
  }

  #read(index: number): boolean {
    const fd = this.#pipes[index]!;
    if (fd < 0) return false;
    const got = this.#starter.calls.binding.streamRead(fd);
    if (got === AGAIN) return false;
    if (typeof got === "number" || got.length === 0) return this.#close(index);
    const { maxBuffer = 0 } = this.#options;
    const room = maxBuffer > 0 ? maxBuffer - this.#sizes[index]! : Number.POSITIVE_INFINITY;
    this.#chunks[index]!.push(got.length > room ? got.subarray(0, room) : got);
    this.#sizes[index]! += Math.min(got.length, room);
    if (got.length > room) this.#stop("ENOBUFS");
    return true;
  }

  /** Sees the end, or lets a moment pass. */
  #look(): void {
    if (this.#end !== null) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
      return;
    }
    const { binding } = this.#starter.calls;
    const got = binding.messageReceive(this.#started.end, LOOK_MS);
    if (typeof got !== "number") this.#end = got[0];
    else if (got !== -uvTimedOut) this.#end = new Uint8Array(0);
  }

  /** As Node does it: the program is signalled, and its output is not waited for any more. */
  #stop(name: string): void {
    if (this.#error !== 0) return;
    this.#error = uvNumber(name);
    this.#starter.signal(this.#started.pid, this.#options.killSignal || SIGTERM);
    for (const index of [0, 1, 2]) this.#close(index);
  }

  #close(index: number): boolean {
    const fd = this.#pipes[index]!;
    if (fd >= 0) this.#starter.calls.binding.closeFd(fd);
    this.#pipes[index] = -1;
    return true;
  }
}

const uvTimedOut = -uvNumber("ETIMEDOUT");

function bytesOf(input: Uint8Array | null | undefined): Uint8Array {
  return input ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(0);
}

/** Node puts an error in the place of the number: it is given the denial then. */
function told(result: Result, denial: Denial | null): Result {
  if (denial === null) return result;
  const number = result.error;
  const shown = { configurable: true, enumerable: true };
  return Object.defineProperty(result, "error", {
    ...shown,
    get: () => number,
    set: (error: object) => {
      const value = Object.assign(error, { denial });
      Object.defineProperty(result, "error", { ...shown, writable: true, value });
    },
  });
}
