import { Account, type Amounts, QUOTAS, type Quota, type Reservation } from "../limits/quotas.ts";
import type { LimitRefusal } from "../limits/refusal.ts";
import type { Platform } from "../platform/platform.ts";
import { OPEN, type Request } from "../protocol/message.ts";
import type { Cause } from "./containment.ts";
import type { Outcome } from "./outcome.ts";

const LOOK_EVERY_MS = 1000;
const MAX_METERED = 4096;
/** Names that are known to have been counted; from then on each counts again. */
const MAX_NAMES = 100_000;
/** Programs, their libraries and settings: what every program reads to run at all is no data of anybody. */
const SYSTEM = /^\/(?:usr|lib\w*|bin|sbin|etc|proc|sys|dev)\//;
const WRITES = OPEN.write | OPEN.append | OPEN.truncate;

export type QuotaParts = {
  readonly limits: Amounts;
  readonly platform: Pick<Platform, "stat">;
  /** Stops the run: what it writes through descriptors that it has nothing else can keep it from. */
  stop(cause: Cause): void;
};

/** What one run has in all. Event-loop thread, with the authority of the run. */
export class RunQuotas {
  /** The root of the run: an account for a part of it is made below. */
  readonly account: Account;
  readonly #parts: QuotaParts;
  readonly #names = new Set<string>();
  readonly #hosts = new Set<string>();
  /** Files that may grow, with the size that has been paid for. */
  readonly #metered = new Map<string, { paid: number; readonly account: Account }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: QuotaParts) {
    this.#parts = parts;
    this.account = new Account("run", parts.limits);
  }

  /** Reserves what an allowed request will use; null: nothing is limited that it uses. */
  book(request: Request, account: Account = this.account): Reservation | LimitRefusal | null {
    const amounts: Partial<Record<Quota, number>> = {};
    const ask = (quota: Quota, amount: () => number): void => {
      if (account.limits(quota)) amounts[quota] = amount();
    };
    ask("uses", () => 1);
    switch (request.op) {
      case "open":
        if ((request.flags & (WRITES | OPEN.create)) !== 0) ask("files", () => this.#isNew(request.path));
        if ((request.flags & WRITES) !== 0) {
          // Whoever has nothing left may not write on.
          if (account.limits("bytesWritten")) {
            this.look(request.path);
            amounts.bytesWritten = account.left("bytesWritten") > 0 ? 0 : 1;
          }
        } else if (
          !SYSTEM.test(request.path) &&
          (request.flags & (OPEN.read | OPEN.pathOnly | OPEN.directory)) === OPEN.read
        )
          ask("bytesRead", () => this.#sizeOf(request.path));
        break;
      case "mknod":
      case "symlink":
      case "truncate":
      case "begin":
        ask("files", () => this.#isNew(request.path));
        break;
      case "link":
        ask("files", () => this.#isNew(request.to));
        break;
      case "unlink":
      case "rename":
        ask("deletes", () => 1);
        break;
    }
    return Object.keys(amounts).length === 0 ? null : account.reserve(amounts);
  }

  /** Keeps what was reserved where the request was done, and gives it back where it was not. */
  settle(booked: Reservation | null, request: Request, outcome: Outcome): void {
    if (booked === null) return;
    if (outcome.kind === "failed" || outcome.kind === "denied") {
      booked.release();
      return;
    }
    booked.commit();
    const name = request.op === "link" ? request.to : "path" in request ? request.path : "";
    const isWritten = request.op === "open" && (request.flags & (WRITES | OPEN.create)) !== 0;
    const isMade = ["mknod", "symlink", "truncate", "begin", "link"].includes(request.op);
    if ((isWritten || isMade) && this.#names.size < MAX_NAMES) this.#names.add(name);
    if (request.op === "open" && (request.flags & WRITES) !== 0 && booked.account.limits("bytesWritten"))
      this.#meter(name, (request.flags & OPEN.truncate) !== 0 ? 0 : this.#sizeOf(name), booked.account);
  }

  /** A host that is about to be connected to; null: go on. */
  host(host: string): LimitRefusal | null {
    if (!this.account.limits("hosts") || this.#hosts.has(host)) return null;
    const booked = this.account.reserve({ hosts: 1 });
    if ("kind" in booked) return booked;
    booked.commit();
    this.#hosts.add(host);
    return null;
  }

  /** Pays for what files have grown by: one, or all that are metered. Called by itself each second. */
  look(only?: string): void {
    let refused: LimitRefusal | null = null;
    for (const path of only === undefined ? [...this.#metered.keys()] : [only]) {
      const metered = this.#metered.get(path);
      if (metered === undefined) continue;
      const size = this.#sizeOf(path);
      const grown = Math.max(0, size - metered.paid);
      metered.paid = size;
      if (grown > 0) refused = metered.account.spend({ bytesWritten: grown }) ?? refused;
    }
    if (refused === null) return;
    const reason = `${refused.used} bytes were written, where ${refused.limit} are allowed in all`;
    this.#parts.stop({ by: "quota", reason, breaker: "bytesWritten" });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Who writes a file last pays for what it grows by; what it has grown by until then was the other's. */
  #meter(path: string, paid: number, account: Account): void {
    const known = this.#metered.get(path);
    if (known?.account === account) return;
    if (known !== undefined) this.look(path);
    if (this.#metered.size >= MAX_METERED) {
      const [oldest = ""] = this.#metered.keys();
      this.look(oldest);
      this.#metered.delete(oldest);
    }
    this.#metered.set(path, { paid: known?.paid ?? paid, account });
    this.#timer ??= setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  #isNew(path: string): number {
    return this.#names.has(path) ? 0 : 1;
  }

  #sizeOf(path: string): number {
    const found = this.#parts.platform.stat(path);
    return typeof found === "number" || found.kind !== "file" ? 0 : found.sizeBytes;
  }
}

/** The quotas of a profile; null when it has none and no token may bring one. */
export function quotasOf(
  limits: Readonly<Record<string, number>>,
  tokens: "may come" | "never come",
  parts: Omit<QuotaParts, "limits">,
): RunQuotas | null {
  const isLimited = QUOTAS.some((quota) => limits[quota] !== undefined);
  return isLimited || tokens === "may come" ? new RunQuotas({ limits, ...parts }) : null;
}
