const MAX_REMEMBERED = 10_000;

/**
 * The `.git` directories that a run has made itself. Nobody relied on their configuration before the run, so the run may
 * write it; a repository that was there before keeps its configuration.
 */
export class OwnRepositories {
  readonly #gitDirectories = new Set<string>();
  readonly #made = new Set<string>();

  get isEmpty(): boolean {
    return this.#gitDirectories.size === 0;
  }

  /** To be called after a mkdir that succeeded. */
  made(path: string): void {
    if (path.endsWith("/.git")) this.#gitDirectories.add(path);
    else if (this.#made.size < MAX_REMEMBERED) this.#made.add(path);
  }

  /** Says whether the path lies in the work tree of a repository that the run has made, directory and all: a clone, say. */
  holdInWorkTree(path: string): boolean {
    for (const git of this.#gitDirectories) {
      const workTree = git.slice(0, -"/.git".length);
      if (path.startsWith(`${workTree}/`) && this.#made.has(workTree)) return true;
    }
    return false;
  }

  /** To be called after a rename that succeeded: what lay below `from` lies below `to`, what lay at `to` is gone. */
  renamed(from: string, to: string): void {
    for (const paths of [this.#gitDirectories, this.#made]) {
      for (const path of [...paths]) if (path === to || path.startsWith(`${to}/`)) paths.delete(path);
      for (const path of [...paths]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue;
        paths.delete(path);
        paths.add(to + path.slice(from.length));
      }
    }
  }

  /** To be called after an rmdir that succeeded: the next directory of that name may be somebody else's. */
  removed(path: string): void {
    this.#gitDirectories.delete(path);
    this.#made.delete(path);
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
