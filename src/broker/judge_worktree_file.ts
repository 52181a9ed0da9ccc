import { closeSync, writeSync } from "node:fs";
import { ERRNO } from "../platform/errno.ts";
import { basename, dirname, joinPath } from "../policy/path.ts";
import { OPEN, type OpenRequest, type Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import type { Judgement } from "./judgement.ts";
import type { Outcome } from "./outcome.ts";
import { readPlainText } from "./plain_text.ts";
import type { Session } from "./session.ts";

/**
 * The two files by which a linked worktree and its repository find each other (gitrepository-layout(5)). What they must say is
 * known beforehand, so the broker writes it, and what the program writes goes nowhere: git would follow anything else to a
 * configuration of the run's choosing.
 */
const RULE = "git-worktree.known-content";
const MAX_WORKTREES = 1000;
const EAGAIN = ERRNO["EAGAIN"]!;

/** `.git/worktrees/NAME/commondir` of a worktree that the run adds. null: the rule stands. */
export function judgeCommonDirectory(request: Request, caller: Caller, session: Session): Judgement | null {
  if (!creates(request) || !/\/\.git\/worktrees\/[^/]+\/commondir$/.test(request.path)) return null;
  if (!session.ownRepositories.holds(request.path) || isThere(request.path, session)) return null;
  return { kind: "allow", rule: RULE, instead: () => put(request, "../..\n", caller, session) };
}

/** The `.git` of such a worktree, in the working tree of the repository that it is of. null: it is something else. */
export function judgeWorktreeLink(request: Request, caller: Caller, session: Session): Judgement | null {
  if (!creates(request) || basename(request.path) !== ".git") return null;
  for (let at = dirname(request.path); at !== "/"; ) {
    at = dirname(at);
    const worktrees = joinPath(at, ".git/worktrees");
    const found = session.platform.list(worktrees, MAX_WORKTREES);
    if (typeof found === "number") continue;
    const name = found.find((one) => names(joinPath(worktrees, one), request.path, session));
    if (name === undefined) continue;
    const text = `gitdir: ${joinPath(worktrees, name)}\n`;
    return { kind: "allow", rule: RULE, instead: () => put(request, text, caller, session) };
  }
  return null;
}

function creates(request: Request): request is OpenRequest {
  return request.op === "open" && (request.flags & OPEN.create) !== 0 && (request.flags & OPEN.write) !== 0;
}

function isThere(path: string, { platform }: Session): boolean {
  return typeof platform.stat(path) !== "number";
}

/** Says whether the directory of a worktree in the repository names `link` as that worktree's `.git`. */
function names(directory: string, link: string, { platform }: Session): boolean {
  return readPlainText(joinPath(directory, "gitdir"), platform)?.text === `${link}\n`;
}

function put({ path, flags, mode }: OpenRequest, text: string, caller: Caller, session: Session): Outcome {
  const { platform } = session;
  const umask = platform.umaskOf(caller.tid);
  const anew = OPEN.write | OPEN.create | OPEN.exclusive | OPEN.nofollow;
  const fd = umask < 0 ? umask : platform.open(path, anew, mode, umask);
  if (fd < 0) return { kind: "failed", errno: -fd };
  try {
    if (writeSync(fd, text) !== text.length) return { kind: "failed", errno: EAGAIN };
  } catch {
    return { kind: "failed", errno: EAGAIN };
  } finally {
    closeSync(fd);
  }
  const nowhere = platform.open("/dev/null", flags & (OPEN.read | OPEN.write), 0, 0);
  return nowhere < 0 ? { kind: "failed", errno: -nowhere } : { kind: "descriptor", fd: nowhere };
}
