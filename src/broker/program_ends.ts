import { binding } from "../platform/binding.ts";
import { sockets } from "../platform/sockets.ts";

/**
 * Tells whoever starts a program by a request how it ended: four bytes, what wait(2) says, little-endian, on a stream socket that came
 * with the request. Its peer reads the end without them when the run ends first.
 */
export class ProgramEnds {
  readonly #waiting = new Map<number, number>();
  /** Ends that came before anybody knew the pid. */
  readonly #early = new Map<number, number>();
  #starting = 0;

  /** To be called before the launch with the descriptor (-1: nobody asks), and what it gives with the pid, or null: there is none. */
  expect(descriptor: number): (pid: number | null) => void {
    // A write to anything else might wait, or change a file.
    const facts = descriptor < 0 ? -1 : sockets.facts(descriptor);
    const fits = typeof facts !== "number" && facts.domain === "unix" && facts.type === "stream";
    const own = fits ? binding.fdDuplicate(descriptor) : -1;
    let open = true;
    this.#starting++;
    return (pid) => {
      if (!open) return;
      open = false;
      this.#starting--;
      const status = pid === null ? undefined : this.#early.get(pid);
      if (this.#starting === 0) this.#early.clear();
      if (own < 0) return;
      if (pid === null) binding.closeFd(own);
      else if (status === undefined) this.#waiting.set(pid, own);
      else tell(own, status);
    };
  }

  ended(pid: number, status: number): void {
    const descriptor = this.#waiting.get(pid);
    if (descriptor === undefined) {
      if (this.#starting > 0) this.#early.set(pid, status);
      return;
    }
    this.#waiting.delete(pid);
    tell(descriptor, status);
  }

  close(): void {
    for (const descriptor of this.#waiting.values()) binding.closeFd(descriptor);
    this.#waiting.clear();
  }
}

function tell(descriptor: number, status: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(status);
  // Never waits; whoever has filled the socket itself learns nothing.
  binding.streamWrite(descriptor, bytes);
  binding.closeFd(descriptor);
}
