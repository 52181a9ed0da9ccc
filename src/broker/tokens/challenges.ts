import { randomBytes } from "node:crypto";
import { binding } from "../../platform/binding.ts";

const MAX_OPEN = 16;
const LIFETIME_MS = 60_000;

type Open = { readonly identity: number; readonly untilBootMs: number };

/**
 * The nonces of one channel that nobody has answered yet. Each is for the process that asked for it, once, for a minute: a proof that
 * was heard elsewhere, or is sent again, is of no use.
 */
export class Challenges {
  readonly #open = new Map<string, Open>();

  /** 256 random bits, base64url. */
  issue(pid: number): string {
    const nowMs = binding.bootTimeMs();
    for (const [nonce, { untilBootMs }] of this.#open) if (untilBootMs <= nowMs) this.#open.delete(nonce);
    // Who asks without end loses the oldest.
    if (this.#open.size >= MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
    const nonce = randomBytes(32).toString("base64url");
    this.#open.set(nonce, { identity: binding.processIdentity(pid), untilBootMs: nowMs + LIFETIME_MS });
    return nonce;
  }

  /** Says whether it is open, and that process's; it is not afterwards. */
  redeem(nonce: string, pid: number): boolean {
    const open = this.#open.get(nonce);
    if (open === undefined || open.identity < 0 || open.identity !== binding.processIdentity(pid)) return false;
    this.#open.delete(nonce);
    return open.untilBootMs > binding.bootTimeMs();
  }
}
