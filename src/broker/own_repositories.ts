/**
 * The `.git` directories that a run has made itself. Nobody relied on their configuration before the run, so the run may
 * write it; a repository that was there before keeps its configuration.
 */
export class OwnRepositories {
  readonly #gitDirectories = new Set<string>();

  /** To be called after a mkdir that succeeded. */
  made(path: string): void {
    if (path.endsWith("/.git")) this.#gitDirectories.add(path);
  }

  /** To be called after a rename that succeeded: what lay below `from` lies below `to`, what lay at `to` is gone. */
  renamed(from: string, to: string): void {
    for (const path of [...this.#gitDirectories]) {
      if (path === to || path.startsWith(`${to}/`)) this.#gitDirectories.delete(path);
    }
    for (const path of [...this.#gitDirectories]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#gitDirectories.delete(path);
      this.#gitDirectories.add(to + path.slice(from.length));
    }
  }

  /** To be called after an rmdir that succeeded: the next directory of that name may be somebody else's. */
  removed(path: string): void {
    this.#gitDirectories.delete(path);
  }

  /** Says whether the path lies in a `.git` directory of the run's own making. */
  contain(path: string): boolean {
    if (this.#gitDirectories.size === 0) return false;
    for (let end = path.indexOf("/.git/"); end >= 0; end = path.indexOf("/.git/", end + 1)) {
      if (this.#gitDirectories.has(path.slice(0, end + 5))) return true;
    }
    return false;
  }
}
