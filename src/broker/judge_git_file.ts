import { requestPaths } from "../policy/decide.ts";
import { dirname } from "../policy/path.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { judgeHooksPath } from "./hooks_path.ts";
import { judgeGitDirectory } from "./judge_git_directory.ts";
import { judgeWorktreeLink } from "./judge_worktree_file.ts";
import { denied, type Judgement } from "./judgement.ts";
import { isNested } from "./nested_repository.ts";
import type { Session } from "./session.ts";

const CHANGES = RIGHT.write | RIGHT.create | RIGHT.delete;
const NESTED = {
  id: "protected.git-file",
  reason:
    "it lies in another repository's working tree, where git would follow it to a configuration of the run's choosing",
  remedy: "Add a worktree with git worktree add, or work in a directory that no repository holds",
};
const RULE = {
  id: "protected.git-file",
  reason: "a .git file leads git to the configuration and hooks that it names",
  remedy: "Make the worktree or submodule in a directory that the run itself makes",
};

const OUTER = {
  id: "protected.own-repository",
  reason:
    "git would run in the repositories that the run has made below, with what their configuration names",
  remedy: "Make the outer repository first, or in a directory that the run itself makes",
};

/**
 * Refuses to change a `.git` that is a file (gitrepository-layout(5)) and was there before the run, or to put one in the place
 * of something that the run has moved away. A new one is as free as a new repository, but where it lies in another's working tree.
 */
export function judgeGitFile(request: Request, caller: Caller, session: Session): Judgement | null {
  return (
    judgeDotGit(request, caller, session) ??
    judgeGitDirectory(request, session) ??
    judgeHooksPath(request, session)
  );
}

function judgeDotGit(request: Request, caller: Caller, session: Session): Judgement | null {
  if ("path" in request && !request.path.endsWith("/.git")) return null;
  for (const { path, rights } of requestPaths(request)) {
    if ((rights & CHANGES) === 0 || !path.endsWith("/.git")) continue;
    const judged = judgeAt(path, rights & CHANGES, request, caller, session);
    if (judged !== null) return judged;
  }
  return null;
}

function judgeAt(
  path: string,
  rights: number,
  request: Request,
  caller: Caller,
  session: Session,
): Judgement | null {
  const { ownRepositories, platform } = session;
  const found = platform.stat(path);
  const isThere = typeof found !== "number";
  const comes = !isThere || (request.op === "rename" && request.existing === "exchange");
  const isDirectory =
    (!isThere || found.kind === "directory") && (!comes || makesDirectory(request, path, session));
  const isOwn = ownRepositories.holds(path);
  if (!isThere && !isOwn && (rights & RIGHT.create) !== 0) {
    if (!isDirectory && ownRepositories.isVacated(path)) return denied(path, RULE, rights);
    // Who makes the outer one last would have the inner ones as free as before.
    if (ownRepositories.freeBelow(dirname(path)) !== null) return denied(path, OUTER, rights);
  }
  if (isDirectory) return null;
  if (isThere && !isOwn) return denied(path, RULE, rights);
  if (isNested(dirname(path), session)) {
    if (rights === RIGHT.delete) return null;
    return (isThere ? null : judgeWorktreeLink(request, caller, session)) ?? denied(path, NESTED, rights);
  }
  ownRepositories.leads(path);
  return null;
}

/** Of what comes to be there: a directory is made by mkdir, or moved. */
function makesDirectory(request: Request, path: string, { platform }: Session): boolean {
  if (request.op !== "rename") return request.op === "mkdir";
  const moved = platform.stat(path === request.to ? request.from : request.to);
  return typeof moved !== "number" && moved.kind === "directory";
}
