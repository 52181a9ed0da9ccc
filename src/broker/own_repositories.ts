import { dirname } from "../policy/path.ts";

const MAX_REMEMBERED = 100_000;

/**
 * The directories that a run has made itself, and the names that it has moved something away from. Nobody relied before the run
 * on a git directory that the run made, so the run may configure it. That must not become a way to put a repository of its own
 * in the place of one that was there: a name that something was moved away from counts as the person's for the rest of the run.
 */
export class OwnRepositories {
  readonly #made = new Set<string>();
  /** Those of them that are called `.git`: few, where the others may be many. */
  readonly #repositories = new Set<string>();
  readonly #vacated = new Set<string>();
  /** The `.git` that are files or links of the run's, and lead to a configuration of its choosing. */
  readonly #leads = new Set<string>();

  get isEmpty(): boolean {
    return this.#made.size === 0;
  }

  /** To be called after a mkdir that succeeded. Past the bound a directory is nobody's own, which refuses more. */
  made(path: string): void {
    if (this.#made.size >= MAX_REMEMBERED || this.isVacated(path)) return;
    this.#made.add(path);
    if (path.endsWith("/.git")) this.#repositories.add(path);
  }

  /** To be called before a `.git` that is no directory is made. */
  leads(path: string): void {
    this.#leads.add(path);
  }

  /** A repository at or below the directory that the run may configure as it likes, or null. */
  freeBelow(directory: string): string | null {
    for (const path of this.#leads) if (isAtOrBelow(path, directory)) return path;
    for (const path of this.#repositories) {
      if (isAtOrBelow(path, directory) && this.contains(path)) return path;
    }
    return null;
  }

  /** To be called after an rmdir that succeeded: the next directory of that name may be somebody else's. */
  removed(path: string): void {
    this.#made.delete(path);
    this.#repositories.delete(path);
  }

  /** To be called after a rename or exchange of directories that succeeded. */
  renamed(from: string, to: string, existing: "replace" | "refuse" | "exchange"): void {
    const fromOwn = this.#made.has(from);
    const toOwn = this.#made.has(to);
    const below = [...this.#made].filter((path) => isAtOrBelow(path, from));
    const beyond = [...this.#made].filter((path) => isAtOrBelow(path, to));
    for (const path of [...below, ...beyond]) this.removed(path);
    for (const path of [...this.#vacated]) {
      if (isAtOrBelow(path, from)) this.#vacated.add(to + path.slice(from.length));
    }
    for (const path of [...this.#leads]) {
      if (isAtOrBelow(path, from)) this.#leads.add(to + path.slice(from.length));
      if (existing === "exchange" && isAtOrBelow(path, to)) this.#leads.add(from + path.slice(to.length));
    }
    if (!fromOwn) this.#vacated.add(from);
    if (existing === "exchange" && !toOwn) this.#vacated.add(to);
    for (const path of below) this.made(to + path.slice(from.length));
    if (existing === "exchange") for (const path of beyond) this.made(from + path.slice(to.length));
  }

  /** Says whether the run made the directory that holds the path. */
  holds(path: string): boolean {
    return this.#made.has(dirname(path));
  }

  /** Says whether the path lies in a directory of the run's own making, at whatever depth. */
  contains(path: string): boolean {
    for (let at = dirname(path); at !== "/"; at = dirname(at)) if (this.#made.has(at)) return true;
    return false;
  }

  /** Says whether something that the run did not make stood at the name, or above it, until the run moved it away. */
  isVacated(path: string): boolean {
    if (this.#vacated.size === 0) return false;
    for (let at = path; at !== "/"; at = dirname(at)) if (this.#vacated.has(at)) return true;
    return false;
  }

  /** Says whether the run made exactly this directory. */
  madeExactly(path: string): boolean {
    return this.#made.has(path);
  }
}

function isAtOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
