import { requestPaths } from "../policy/decide.ts";
import { basename, dirname, joinPath } from "../policy/path.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Request } from "../protocol/message.ts";
import { denied, type Judgement } from "./judgement.ts";
import type { Session } from "./session.ts";

const CHANGES = RIGHT.write | RIGHT.create | RIGHT.delete | RIGHT.metadata;
/** What git looks for in a directory of any name before it takes it for a repository (setup.c, is_git_directory). */
const PARTS: readonly string[] = ["HEAD", "objects", "refs"];
const CONFIGURES = /^(?:config|config\.worktree|commondir|gitdir)$/;

const BARE = {
  id: "protected.bare-repository",
  reason: "git would take the directory for a repository, and its configuration with it",
  remedy: "Make the repository in a directory that the run itself makes",
};
const GIT_DIRECTORY = {
  id: "protected.git-directory",
  reason: "git runs what the hooks and the configuration of this repository name",
  remedy: "Run the git command outside; a repository that the run itself makes is free",
};

/**
 * Knows git directories by what is in them, whatever they are called: bare ones, those of `--separate-git-dir`, of submodules and
 * linked worktrees. One that the run did not make keeps its configuration and hooks, and no directory that was there before becomes
 * one. Names that rules of pack:protected know have been decided before.
 */
export function judgeGitDirectory(request: Request, session: Session): Judgement | null {
  for (const { path, rights } of requestPaths(request)) {
    if ((rights & CHANGES) === 0) continue;
    const name = basename(path);
    const directory = dirname(path);
    if (CONFIGURES.test(name)) {
      if (isGitDirectory(directory, session) && !mayConfigure(directory, session))
        return denied(path, GIT_DIRECTORY, rights & CHANGES);
    } else if (PARTS.includes(name) && (rights & RIGHT.create) !== 0) {
      if (completes(directory, name, session)) return denied(path, BARE, RIGHT.create);
    }
    if (isPlace(path, request) && isOthers(directory, session))
      return denied(path, GIT_DIRECTORY, rights & CHANGES);
    const isHook = basename(directory) === "hooks" && !name.endsWith(".sample");
    const isAttributes = name === "attributes" && basename(directory) === "info";
    if ((isHook || isAttributes) && isOthers(dirname(directory), session))
      return denied(path, GIT_DIRECTORY, rights & CHANGES);
  }
  return null;
}

/** Another directory, or a link to one, in the place of the hooks. One of pack:protected is searched when it is moved. */
function isPlace(path: string, { op }: Request): boolean {
  return /\/(?:hooks|info)$/.test(path) && !/\/\.git\//.test(path) && (op === "rename" || op === "symlink");
}

function isOthers(directory: string, session: Session): boolean {
  return !session.ownRepositories.madeExactly(directory) && isGitDirectory(directory, session);
}

/** The names of these are rules' business: a worktree that the run adds to a repository of old says where it belongs. */
function mayConfigure(directory: string, { ownRepositories }: Session): boolean {
  return (
    ownRepositories.madeExactly(directory) || directory.includes("/.git/") || directory.endsWith("/.git")
  );
}

function isGitDirectory(directory: string, session: Session): boolean {
  const has = (name: string): boolean => typeof session.platform.stat(joinPath(directory, name)) !== "number";
  return has("HEAD") && ((has("objects") && has("refs")) || has("commondir"));
}

/** Says whether `name` is the last part that a directory of old lacks. */
function completes(directory: string, name: string, session: Session): boolean {
  const { ownRepositories, platform } = session;
  if (ownRepositories.madeExactly(directory) || directory.endsWith("/.git") || directory.includes("/.git/"))
    return false;
  const has = (part: string): boolean => typeof platform.stat(joinPath(directory, part)) !== "number";
  return !has(name) && PARTS.every((part) => part === name || has(part));
}
