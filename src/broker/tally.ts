import type { AnyDenial } from "./denial.ts";

const MAX_REMEMBERED = 10_000;

export type CountedDenial = { readonly denial: AnyDenial; count: number };

/** What the end summary of a run says. Bounded: past the bound things are counted, not named. */
export class Tally {
  operations = 0;
  denials = 0;
  /** Told of each denial. */
  onDenial: (denial: AnyDenial) => void = () => {};
  readonly #denied = new Map<string, CountedDenial>();
  readonly #changed = new Set<string>();
  readonly #ignoreBelow: string;

  /** Changes below `ignoreBelow` (the run's private temporary directory), of devices and of /proc are not counted. */
  constructor(ignoreBelow: string) {
    this.#ignoreBelow = `${ignoreBelow}/`;
  }

  deny(denial: AnyDenial): void {
    this.denials++;
    this.onDenial(denial);
    // ps(1) tries each process of the machine: one line for all of them.
    const key = denial.rule === "process.others" ? denial.rule : `${denial.op} ${denial.rule} ${denial.path}`;
    const seen = this.#denied.get(key);
    if (seen !== undefined) seen.count++;
    else if (this.#denied.size < MAX_REMEMBERED) this.#denied.set(key, { denial, count: 1 });
  }

  change(path: string): void {
    if (path.startsWith(this.#ignoreBelow) || path.startsWith("/dev/") || path.startsWith("/proc/")) return;
    if (this.#changed.size < MAX_REMEMBERED) this.#changed.add(path);
  }

  get changedFiles(): readonly string[] {
    return [...this.#changed];
  }

  get denied(): readonly CountedDenial[] {
    return [...this.#denied.values()];
  }
}
