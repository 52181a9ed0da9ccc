import type { Platform } from "../platform/platform.ts";
import { OPEN, type Stat } from "../protocol/message.ts";

/** A run that has more sockets with a name at a time is refused the next one. */
const MAX_OWN = 256;

/**
 * The Unix sockets that this run has bound. Each is held open, so that its inode number can not come to name another file.
 * What the run bound itself it may connect to; a name alone would not do, since names move.
 */
export class OwnSockets {
  readonly #platform: Pick<Platform, "open" | "stat" | "close">;
  readonly #held = new Map<string, number>();

  constructor(platform: Pick<Platform, "open" | "stat" | "close">) {
    this.#platform = platform;
  }

  /** Says whether one more may be bound. Lets go of those that have lost their name. */
  hasRoom(): boolean {
    if (this.#held.size < MAX_OWN) return true;
    for (const [key, fd] of this.#held) {
      const found = this.#platform.stat(fd);
      if (typeof found !== "number" && found.linkCount > 0) continue;
      this.#platform.close(fd);
      this.#held.delete(key);
    }
    return this.#held.size < MAX_OWN;
  }

  /** To be called in the same turn as bind(2): the run moves names through the broker only. 0 or -errno. */
  add(path: string): number {
    const fd = this.#platform.open(path, OPEN.pathOnly | OPEN.nofollow, 0, 0);
    if (fd < 0) return fd;
    const found = this.#platform.stat(fd);
    if (typeof found === "number" || found.kind !== "socket") {
      this.#platform.close(fd);
      return -EACCES;
    }
    const key = keyOf(found);
    const before = this.#held.get(key);
    if (before !== undefined) this.#platform.close(before);
    this.#held.set(key, fd);
    return 0;
  }

  /** The identity of an own socket, for `has` and for whoever serves at it. */
  static keyOf(found: Stat): string {
    return keyOf(found);
  }

  has(found: Stat): boolean {
    return this.#held.has(keyOf(found));
  }

  close(): void {
    for (const fd of this.#held.values()) this.#platform.close(fd);
    this.#held.clear();
  }
}

const EACCES = 13;

function keyOf({ device, inode }: Stat): string {
  return `${device}:${inode}`;
}
