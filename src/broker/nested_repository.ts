import { dirname, joinPath } from "../policy/path.ts";
import type { Session } from "./session.ts";

/**
 * The outermost working tree that holds `path` and is somebody's: git runs in every repository that an index names
 * (gitsubmodules(7), `git status`), with its configuration, and the run can name its own there. "" for none.
 */
export function outerRepository(path: string, { ownRepositories, platform }: Session): string {
  let found = "";
  for (let at = path; at !== "/"; ) {
    at = dirname(at);
    if (!ownRepositories.madeExactly(at) && typeof platform.stat(joinPath(at, ".git")) !== "number")
      found = at;
  }
  return found;
}

/** Says whether a repository with `worktree` is one within another's. */
export function isNested(worktree: string, session: Session): boolean {
  return outerRepository(worktree, session) !== "";
}
