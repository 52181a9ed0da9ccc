import { requestPaths } from "../policy/decide.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Request } from "../protocol/message.ts";
import { judgeHooksPath } from "./hooks_path.ts";
import { judgeGitDirectory } from "./judge_git_directory.ts";
import { denied, type Judgement } from "./judgement.ts";
import type { Session } from "./session.ts";

const CHANGES = RIGHT.write | RIGHT.create | RIGHT.delete;
const RULE = {
  id: "protected.git-file",
  reason: "a .git file leads git to the configuration and hooks that it names",
  remedy: "Make the worktree or submodule in a directory that the run itself makes",
};

/**
 * Refuses to change a `.git` that is a file (gitrepository-layout(5)) and was there before the run, or to put one in the place
 * of something that the run has moved away. A new one is as free as a new repository.
 */
export function judgeGitFile(request: Request, session: Session): Judgement | null {
  return (
    judgeDotGitFile(request, session) ??
    judgeGitDirectory(request, session) ??
    judgeHooksPath(request, session)
  );
}

function judgeDotGitFile(request: Request, session: Session): Judgement | null {
  if (request.op === "mkdir" || ("path" in request && !request.path.endsWith("/.git"))) return null;
  for (const { path, rights } of requestPaths(request)) {
    if ((rights & CHANGES) === 0 || !path.endsWith("/.git") || session.ownRepositories.holds(path)) continue;
    const found = session.platform.stat(path);
    const isThere = typeof found !== "number";
    if (isThere ? found.kind !== "directory" : session.ownRepositories.isVacated(path)) {
      return denied(path, RULE, rights & CHANGES);
    }
  }
  return null;
}
