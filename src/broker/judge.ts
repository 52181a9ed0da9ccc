import { isAcl } from "../files/stage_changes.ts";
import { ERRNO } from "../platform/errno.ts";
import { decide, decidePath, type Policy, requestPaths, type Verdict } from "../policy/decide.ts";
import { dirname } from "../policy/path.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { judgeAroundPrograms, judgeExec } from "./judge_exec.ts";
import { judgeGitConfig } from "./judge_git_config.ts";
import { judgeGitFile } from "./judge_git_file.ts";
import { judgeKill } from "./judge_kill.ts";
import { isPartOfRule, judgeLink, judgeRename, PLANTED_LINK } from "./judge_rename.ts";
import { judgeSocket } from "./judge_socket.ts";
import { judgeSshSign } from "./judge_ssh_sign.ts";
import { judgeCommonDirectory } from "./judge_worktree_file.ts";
import { denied, type Judgement } from "./judgement.ts";
import { isNested } from "./nested_repository.ts";
import { LEARNED } from "./observer.ts";
import { asSelf } from "./own_process.ts";
import type { Session } from "./session.ts";

const EPERM = ERRNO["EPERM"]!;
const ENOTSUP = ERRNO["ENOTSUP"]!;
/**
 * Decides a request as `decide` does, and adds what a pure function can not know: what the run itself has made, whose /proc
 * entries these are, and what a renamed directory carries with it.
 */
export function judge(request: Request, caller: Caller, session: Session): Judgement {
  if (request.op === "refused") {
    return {
      kind: "deny",
      path: request.what.slice(0, request.what.indexOf(":")),
      rule: { id: request.rule, reason: request.what.slice(request.what.indexOf(":") + 2) },
      missing: 0,
      errno: ERRNO[request.errno] ?? EPERM,
    };
  }
  if (request.op === "connect-unix") {
    const found = session.platform.stat(request.path);
    return judgeSocket(request.path, typeof found === "number" ? null : found, request.path, session);
  }
  if (request.op === "connect" || request.op === "bind" || request.op === "resolve")
    return session.sockets.judge(request);
  if (request.op === "kill") return judgeKill(request, session);
  if (request.op === "ssh-sign") return judgeSshSign(request, session);
  if (request.op === "exec") return judgeExec(request, session, judgeByRules(request, caller, session));
  return judgeAroundPrograms(request, caller, session) ?? judgeByRules(request, caller, session);
}

function judgeByRules(request: Request, caller: Caller, session: Session): Judgement {
  const judged = asSelf(request, caller, session);
  if ("path" in judged && isOfOther(judged.path)) {
    return denied(judged.path, OTHERS, RIGHT.read);
  }
  let verdict = verdictOf(judged, session.policy, session);
  let rule = verdict.rule?.id ?? "";
  if (verdict.kind === "deny" && verdict.rule === null && session.observer !== null) {
    verdict = verdictOf(judged, session.observer.policy, session);
    rule = LEARNED;
  }
  if (verdict.kind === "deny") {
    const changed = verdict.rule?.id === "protected.git-config" ? gitConfigOf(judged, caller, session) : null;
    return changed ?? denied(verdict.path, verdict.rule, verdict.missing);
  }
  const byNature =
    session.ownSharedMemory.judge(request, session.platform) ?? judgeByNature(request, caller, session);
  return byNature ?? { kind: "allow", rule };
}

function gitConfigOf(request: Request, caller: Caller, session: Session): Judgement | null {
  const policy = session.observer?.policy ?? session.policy;
  return judgeCommonDirectory(request, caller, session) ?? judgeGitConfig(request, policy, session);
}

function verdictOf(request: Request, policy: Policy, session: Session): Verdict {
  const verdict = decide(policy, request, 0);
  if (verdict.kind === "allow" || session.ownRepositories.isEmpty) return verdict;
  return decideWithOwn(request, policy, session);
}

// proc(5): these a process may read of any other; the broker could read more than its caller.
const OTHER_PROCESS = /^\/proc\/\d+\/(?!(?:stat|status|statm|cmdline|comm)$)/;
function isOfOther(path: string): boolean {
  return path.startsWith("/proc/") && OTHER_PROCESS.test(path);
}
const OTHERS = { id: "process.others", reason: "it belongs to a process outside the run" };

/** What no rule on the path can grant, or only in another way. */
function judgeByNature(request: Request, caller: Caller, session: Session): Judgement | null {
  switch (request.op) {
    case "chmod":
      return (request.mode & SETUID_SETGID) === 0
        ? null
        : denied(request.path, SETUID, RIGHT.metadata, EPERM);
    case "setxattr":
    case "removexattr":
      if (request.name.startsWith("user.")) return null;
      if (session.acls === "carried" && isAcl(request.name)) return null;
      return denied(
        request.path,
        XATTR,
        RIGHT.metadata,
        request.name.startsWith("system.") ? ENOTSUP : EPERM,
      );
    case "symlink":
      if (isPartOfRule(request.path, session)) return denied(request.path, PLANTED_LINK, RIGHT.create);
      return judgeGitFile(request, caller, session);
    case "rename":
      return judgeRename(request, session) ?? judgeGitFile(request, caller, session);
    case "link":
      return judgeLink(request, session) ?? judgeGitFile(request, caller, session);
    default:
      return judgeGitFile(request, caller, session);
  }
}

const SETUID_SETGID = 0o6000;
const SETUID = {
  id: "protected.setuid",
  reason: "a setuid or setgid bit would outlive the run and its confinement",
};
const XATTR = { id: "protected.xattr", reason: "only user.* attributes carry no privilege" };

/** Each path is decided for itself: an exemption of one must not carry the other. */
function decideWithOwn(request: Request, whole: Policy, session: Session): Verdict {
  let verdict: Verdict | null = null;
  for (const { path, rights } of requestPaths(request)) {
    let policy = whole;
    let decided = decidePath(policy, path, rights);
    while (
      decided.kind === "deny" &&
      decided.rule !== null &&
      isOwnMatter(decided.rule.id, path, rights, session)
    ) {
      policy = session.policyWithout(policy, decided.rule.id);
      decided = decidePath(policy, path, rights);
    }
    if (decided.kind === "deny") return decided;
    verdict ??= decided;
  }
  return verdict ?? decide(whole, request, 0);
}

/**
 * The git directory must be of the run's making, and so must the directory that it is put into: a repository that appears where
 * somebody works is taken for theirs, and so is one that lies in the working tree of another. A linked worktree that the run adds may
 * say where it lies; where it belongs is for judge_worktree_file.ts.
 */
function configuresOwn(path: string, rights: number, session: Session): boolean {
  const { ownRepositories } = session;
  if (!ownRepositories.holds(path)) return false;
  const outer = path.indexOf("/.git/");
  if (outer < 0) return true;
  if (/^worktrees\/[^/]+\/gitdir$/.test(path.slice(outer + 6))) return true;
  const directory = path.slice(0, outer + 5);
  if (!ownRepositories.madeExactly(directory) || !ownRepositories.contains(directory)) return false;
  return (rights & ~(RIGHT.delete | RIGHT.metadata)) === 0 || !isNested(path.slice(0, outer), session);
}

/** git worktree remove */
function belongsToOwn(path: string, { ownRepositories }: Session): boolean {
  return /\/\.git\/worktrees\/[^/]+\/commondir$/.test(path) && ownRepositories.holds(path);
}

const CHECK_OUT = RIGHT.create | RIGHT.write | RIGHT.metadata;

/** By rule: what a run may do with such a name in a directory of its own making. */
const CHECKED_OUT: Readonly<Record<string, number>> = {
  "secrets.files": CHECK_OUT,
  "protected.shell": CHECK_OUT | RIGHT.delete,
  "protected.tools": CHECK_OUT | RIGHT.delete,
  "protected.editors": CHECK_OUT | RIGHT.delete,
  "protected.agents": CHECK_OUT | RIGHT.delete,
  "protected.continuous-integration": CHECK_OUT | RIGHT.delete,
  "protected.package-scripts": CHECK_OUT | RIGHT.delete,
};

/** Says whether a rule gives way because the run itself made what the path lies in (own_repositories.ts). */
function isOwnMatter(rule: string, path: string, rights: number, session: Session): boolean {
  if (rule === "protected.git-config")
    return configuresOwn(path, rights, session) || (rights === RIGHT.delete && belongsToOwn(path, session));
  // A clone brings such files with it. Reading a secret, or moving it to where it may be read, stays refused: somebody may
  // have filled it in meanwhile.
  const may = CHECKED_OUT[rule] ?? 0;
  return may !== 0 && (rights & ~may) === 0 && session.ownRepositories.madeExactly(placeOf(path, session));
}

/** The directory that such names are looked for in: of `project/.github/workflows/x`, which nobody had before, the project. */
function placeOf(path: string, session: Session): string {
  let at = dirname(path);
  while (at !== "/" && isPartOfRule(at, session)) at = dirname(at);
  return at;
}
