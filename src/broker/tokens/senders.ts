import type { Platform } from "../../platform/platform.ts";

const MAX_ANCESTORS = 256;
const MAX_REMEMBERED = 4096;

/** `identityOf`: processIdentity of platform/binding.ts. */
export type Told = Pick<Platform, "parentOf"> & { identityOf(pid: number): number };

/**
 * Says which tree of a run the sender of a message belongs to. A channel is a descriptor, and descriptors travel: by inheritance, by a
 * Unix socket, as a standard stream. Whose authority counts is that of the process that has sent the message, as the kernel tells it.
 */
export class Senders {
  readonly #told: Told;
  /** Pids of the launchers, which live as long as they are in here. */
  readonly #roots = new Set<number>();
  /** By identity, which no other process ever has. */
  readonly #known = new Map<number, number>();

  constructor(told: Told) {
    this.#told = told;
  }

  /** Takes in a tree; with a second one, senders have to be told apart. */
  add(rootPid: number): void {
    this.#roots.add(rootPid);
  }

  remove(rootPid: number): void {
    this.#roots.delete(rootPid);
    for (const [identity, root] of this.#known) if (root === rootPid) this.#known.delete(identity);
  }

  /** `identity` came with the message (-1: the sender is gone, or its system can not tell). */
  belongs(pid: number, identity: number, rootPid: number): boolean {
    if (identity < 0) return false;
    let root = this.#known.get(identity);
    if (root === undefined) {
      root = this.#rootOf(pid, identity);
      if (root < 0) return false;
      if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
      this.#known.set(identity, root);
    }
    return root === rootPid;
  }

  /**
   * The launcher that the process descends from, or -1. Numbers are used again, so each link is looked at twice, from the top down: that
   * the sender still has its number, and its parent has not changed, makes the number that was read its parent's all the while, and so
   * on upwards. Whoever has lost its parent belongs to the launcher, which is a subreaper.
   */
  #rootOf(pid: number, identity: number): number {
    const line = [pid];
    while (!this.#roots.has(line.at(-1)!)) {
      const parent = this.#told.parentOf(line.at(-1)!);
      if (parent <= 1 || line.length > MAX_ANCESTORS) return -1;
      line.push(parent);
    }
    for (let at = line.length - 2; at >= 0; at--)
      if (this.#told.parentOf(line[at]!) !== line[at + 1]) return -1;
    return this.#told.identityOf(pid) === identity ? line.at(-1)! : -1;
  }
}
