import { dirname } from "../../policy/path.ts";
import type { Looks } from "./disk.ts";

const MAX_LOST = 1024;
const MAX_MADE = 2048;
const MAX_SUFFIXES = 64;
/** What was written a moment ago may not be there yet. */
const SETTLE_MS = 150;
/** Samples of one look at names that were lost, and of one at new names; a look is what the event loop waits for. */
const MAX_SAMPLES = 64;
/** Before this share of what a breaker bears has been lost nothing is sampled. */
const SUSPICIOUS = 0.5;
/** Of the files that are lost so many are looked at before they are; from then on one in STEP, and each stands for as many. */
const MAX_LOOKED_AT = 128;
const STEP = 8;

/** Names that tools put behind a name that stays. */
const USUAL_SUFFIX =
  /^(?:\d+|bak|backup|orig|old|save|tmp|off|disabled|gz|bz2|xz|zst|lz4|lz|br|zip|gpg|age|asc|sig|map|part)$/;

/** A file that is still being written looks plain at first: each is looked at twice before that counts. */
const LOOKS = 2;
const AGAIN_MS = 1000;

type Lost = {
  readonly atMs: number;
  readonly weight: number;
  readonly successor: string | null;
  /** How often it may still be looked at, and when. */
  looksLeft: number;
  nextMs: number;
};

/**
 * Pairs the files from before the run that a run has overwritten, deleted or renamed with what has taken their place: under the same
 * name, under that name with something behind it, by a rename, or, where there is none of these, with anything new in the same
 * directory. Bounded: the oldest are forgotten.
 */
export class Replacements {
  readonly #windowMs: number;
  readonly #count: number;
  readonly #lost = new Map<string, Lost>();
  /** New names, with the time; judged ones are taken out. */
  readonly #made = new Map<string, number>();
  readonly #suffixes = new Map<string, { sinceMs: number; count: number }>();
  #lookedAt = { sinceMs: 0, count: 0 };

  constructor(count: number, windowMs: number) {
    this.#count = count;
    this.#windowMs = windowMs;
  }

  get isEmpty(): boolean {
    return this.#lost.size === 0;
  }

  /** An old file is about to be lost. Gives how many it stands for; 0: what it was before is of no interest. */
  weigh(looks: () => Looks, nowMs: number): number {
    const seen = this.#lookedAt;
    if (nowMs - seen.sinceMs > this.#windowMs) this.#lookedAt = { sinceMs: nowMs, count: 1 };
    else seen.count++;
    const { count } = this.#lookedAt;
    const isEach = count <= MAX_LOOKED_AT;
    if (!isEach && count % STEP !== 0) return 0;
    // One that was encrypted before tells nothing by being so afterwards.
    return looks() === "plain" ? (isEach ? 1 : STEP) : 0;
  }

  lost(path: string, weight: number, successor: string | null, nowMs: number): void {
    if (weight === 0 || this.#lost.has(path)) return;
    const one = { atMs: nowMs, weight, successor, looksLeft: LOOKS, nextMs: nowMs + SETTLE_MS };
    put(this.#lost, path, one, MAX_LOST);
  }

  made(path: string, nowMs: number): void {
    this.#made.delete(path);
    put(this.#made, path, nowMs, MAX_MADE);
  }

  /** An old file was renamed. Gives the suffix when too many have got the same unusual one behind their names. */
  renamed(from: string, to: string, nowMs: number): string | null {
    const isAppended = to.startsWith(`${from}.`);
    const suffix = isAppended ? to.slice(from.length + 1) : "";
    if (suffix === "" || suffix.includes("/") || USUAL_SUFFIX.test(suffix)) return null;
    let seen = this.#suffixes.get(suffix);
    if (seen === undefined || nowMs - seen.sinceMs > this.#windowMs) {
      seen = { sinceMs: nowMs, count: 0 };
      put(this.#suffixes, suffix, seen, MAX_SUFFIXES);
    }
    seen.count++;
    if (seen.count < 3 * this.#count) return null;
    this.#suffixes.delete(suffix);
    return suffix;
  }

  /**
   * Looks at what has taken the place of what was lost, once it is old enough to be `settled`, or `at once`. Gives how many files look
   * encrypted now, and one of them.
   */
  judge(
    looks: (path: string) => Looks,
    nowMs: number,
    when: "settled" | "at once",
  ): { readonly count: number; readonly path: string } {
    for (const [path, { atMs }] of this.#lost) {
      if (nowMs - atMs <= this.#windowMs) break;
      this.#lost.delete(path);
    }
    for (const [path, atMs] of this.#made) {
      if (nowMs - atMs <= this.#windowMs) break;
      this.#made.delete(path);
    }
    let weightLost = 0;
    for (const { weight } of this.#lost.values()) weightLost += weight;
    if (weightLost < this.#count * SUSPICIOUS) return { count: 0, path: "" };
    let samples = 0;
    let count = 0;
    let last = "";
    const look = (path: string): Looks => {
      samples++;
      return looks(path);
    };
    const unpaired = new Map<string, Lost[]>();
    const successors = this.#successors();
    for (const [path, one] of this.#lost) {
      if (samples >= MAX_SAMPLES) break;
      if (one.looksLeft === 0 || (when === "settled" && nowMs < one.nextMs)) continue;
      let found = look(path);
      const successor = one.successor ?? successors.get(path);
      if (found === "unread" && successor !== undefined) {
        found = look(successor);
        this.#made.delete(successor);
      }
      if (found === "unread") {
        const place = dirname(path);
        const others = unpaired.get(place);
        if (others === undefined) unpaired.set(place, [one]);
        else others.push(one);
        continue;
      }
      one.looksLeft = found === "encrypted" ? 0 : one.looksLeft - 1;
      one.nextMs = nowMs + AGAIN_MS;
      if (found !== "encrypted") continue;
      count += one.weight;
      last = path;
    }
    // What is gone has cost little to look at, and must not keep the new names from being looked at.
    samples = 0;
    for (const [path] of unpaired.size === 0 ? [] : this.#made) {
      if (samples >= MAX_SAMPLES) break;
      const waiting = unpaired.get(dirname(path));
      if (waiting === undefined || waiting.length === 0) continue;
      this.#made.delete(path);
      if (look(path) !== "encrypted") continue;
      const one = waiting.pop()!;
      one.looksLeft = 0;
      count += one.weight;
      last = path;
    }
    return { count, path: last };
  }

  /** New names by the name that they have something behind. */
  #successors(): Map<string, string> {
    const found = new Map<string, string>();
    for (const path of this.#made.keys()) {
      const dot = path.lastIndexOf(".");
      if (dot > path.lastIndexOf("/") + 1) found.set(path.slice(0, dot), path);
    }
    return found;
  }
}

function put<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size < most) break;
    map.delete(oldest);
  }
  map.set(key, value);
}
