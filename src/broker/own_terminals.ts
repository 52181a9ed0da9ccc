import type { Platform } from "../platform/platform.ts";
import type { Request } from "../protocol/message.ts";
import type { Outcome } from "./outcome.ts";

const MAX_REMEMBERED = 4096;

/** The pseudo-terminals that a run has made through /dev/ptmx: it may open their other end, and nobody else's terminal. */
export class OwnTerminals {
  readonly #identities = new Map<string, bigint>();

  /** To be called after an open; takes note of the terminal that has come with it. */
  note(request: Request, outcome: Outcome, platform: Platform): void {
    if (request.op !== "open" || outcome.kind !== "descriptor" || !request.path.endsWith("/ptmx")) return;
    const path = platform.terminalOfMaster(outcome.fd);
    const identity = path === null ? null : platform.terminalIdentity(path);
    if (path === null || identity === null || this.#identities.size >= MAX_REMEMBERED) return;
    this.#identities.set(path, identity);
  }

  /** A number is used again when its terminal is gone, and may then be somebody else's. */
  has(path: string, platform: Platform): boolean {
    const identity = this.#identities.get(path);
    return identity !== undefined && platform.terminalIdentity(path) === identity;
  }
}
