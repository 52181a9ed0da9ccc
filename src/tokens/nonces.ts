import { randomBytes } from "node:crypto";

const LIFE_MS = 60_000;
const MAX_OPEN = 4096;

/** Questions that a broker asks, each to be answered once. Those that were answered are remembered as long as they could have been. */
export class Nonces {
  readonly #asked = new Map<string, { readonly atMs: number; used: boolean }>();

  /** A fresh question. Of too many the oldest is given up. `nowMs` of a clock that nobody sets. */
  issue(nowMs: number): string {
    for (const [nonce, { atMs }] of this.#asked) {
      if (this.#asked.size < MAX_OPEN && nowMs - atMs < LIFE_MS) break;
      this.#asked.delete(nonce);
    }
    const nonce = randomBytes(16).toString("base64url");
    this.#asked.set(nonce, { atMs: nowMs, used: false });
    return nonce;
  }

  /** Takes the question off; "unknown" is one that was never asked, or too long ago. */
  take(nonce: string, nowMs: number): "fresh" | "used" | "unknown" {
    const asked = this.#asked.get(nonce);
    if (asked === undefined || nowMs - asked.atMs >= LIFE_MS) return "unknown";
    if (asked.used) return "used";
    asked.used = true;
    return "fresh";
  }
}
