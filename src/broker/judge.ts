import { ERRNO } from "../platform/errno.ts";
import { decide, decidePath, type Rule, requestPaths, type Verdict } from "../policy/decide.ts";
import { RIGHT } from "../policy/rights.ts";
import { stateSignature } from "../policy/trie.ts";
import type { RenameRequest, Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { asSelf } from "./own_process.ts";
import type { Session } from "./session.ts";

const EACCES = ERRNO["EACCES"]!;
const EPERM = ERRNO["EPERM"]!;
/** A renamed tree larger than this is not searched for protected names: it is refused. */
const MAX_WALK_ENTRIES = 10_000;

export type Judgement =
  | { readonly kind: "allow"; readonly rule: string }
  | {
      readonly kind: "deny";
      readonly path: string;
      readonly rule: {
        readonly id: string;
        readonly reason: string;
        readonly remedy?: string | undefined;
      } | null;
      readonly missing: number;
      readonly errno: number;
    };

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
  const judged = asSelf(request, caller, session);
  if ("path" in judged && OTHER_PROCESS.test(judged.path)) {
    return denied(judged.path, OTHERS, RIGHT.read);
  }
  let verdict: Verdict = decide(session.policy, judged, 0);
  if (verdict.kind === "deny" && !session.ownRepositories.isEmpty) verdict = decideWithOwn(judged, session);
  if (verdict.kind === "deny") return denied(verdict.path, verdict.rule, verdict.missing);
  if (request.op === "rename") return judgeRename(request, verdict, session);
  if (request.op === "symlink" && isPartOfRule(request.path, session)) {
    return denied(request.path, { id: "protected.symlink", reason: PLANTED_LINK }, RIGHT.create);
  }
  return { kind: "allow", rule: verdict.rule.id };
}

// proc(5): these a process may read of any other; the broker could read more than its caller.
const OTHER_PROCESS = /^\/proc\/\d+\/(?!(?:stat|status|statm|cmdline|comm)$)/;
const OTHERS = { id: "process.others", reason: "it belongs to a process outside the run" };

const PLANTED_LINK = "a symbolic link here would stand in for a directory whose files are protected";

/** Each path is decided for itself: an exemption of one must not carry the other. */
function decideWithOwn(request: Request, session: Session): Verdict {
  let verdict: Verdict | null = null;
  for (const { path, rights } of requestPaths(request)) {
    let policy = session.policy;
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
  return verdict ?? decide(session.policy, request, 0);
}

/** Says whether a rule gives way because the run itself made what the path lies in (own_repositories.ts). */
function isOwnMatter(rule: string, path: string, rights: number, session: Session): boolean {
  if (rule === "protected.git-config") return session.ownRepositories.contain(path);
  // A clone brings such files with it; reading them back stays refused, for somebody may fill them in.
  const checksOut = rule === "protected.shell" || rule === "secrets.files";
  return checksOut && (rights & RIGHT.read) === 0 && session.ownRepositories.holdInWorkTree(path);
}

/**
 * A rename moves everything below it. Where the names on the way make no difference to any deny rule, nothing below can
 * become denied or stop being so; else the tree is searched, at both names.
 */
function judgeRename(
  request: RenameRequest,
  verdict: Extract<Verdict, { kind: "allow" }>,
  session: Session,
): Judgement {
  const moves: [string, string][] = [[request.from, request.to]];
  if (request.existing === "exchange") moves.push([request.to, request.from]);
  for (const [from, to] of moves) {
    const same =
      stateSignature(session.policy.compiled, from) === stateSignature(session.policy.compiled, to);
    if (same) continue;
    const found = session.platform.stat(from);
    if (typeof found === "number") continue;
    if (found.kind === "symlink" && isPartOfRule(to, session)) {
      return denied(to, { id: "protected.symlink", reason: PLANTED_LINK }, RIGHT.create);
    }
    if (found.kind !== "directory") continue;
    const refused = searchTree(from, to, session);
    if (refused !== null) return refused;
  }
  return { kind: "allow", rule: verdict.rule.id };
}

function searchTree(from: string, to: string, session: Session): Judgement | null {
  const pending = [""];
  let entries = 0;
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    const names = session.platform.list(from + below, MAX_WALK_ENTRIES);
    if (typeof names === "number") return denied(from + below, UNSEARCHED, RIGHT.delete);
    entries += names.length;
    if (entries > MAX_WALK_ENTRIES) return denied(from, UNSEARCHED, RIGHT.delete);
    for (const name of names) {
      const path = `${below}/${name}`;
      const away = denyRule(from + path, RIGHT.delete | RIGHT.read, session);
      if (away !== null) return denied(from + path, away, RIGHT.delete);
      const here = denyRule(to + path, RIGHT.create | RIGHT.write, session);
      if (here !== null) return denied(to + path, here, RIGHT.create);
      const found = session.platform.stat(from + path);
      if (typeof found !== "number" && found.kind === "directory") pending.push(path);
    }
  }
  return null;
}

const UNSEARCHED = {
  id: "protected.unsearched",
  reason: `the tree can not be searched for protected names, or holds more than ${MAX_WALK_ENTRIES} entries`,
};

/** Only an explicit rule counts here: what no rule grants below is not touched by moving what holds it. */
function denyRule(path: string, rights: number, session: Session): Rule | null {
  const verdict = decidePath(session.policy, path, rights);
  return verdict.kind === "deny" ? verdict.rule : null;
}

/** Says whether the name is a step of some deny rule's pattern rather than just any name. */
function isPartOfRule(path: string, session: Session): boolean {
  const { compiled } = session.policy;
  const sibling = `${path.slice(0, path.lastIndexOf("/"))}/\u0001`;
  return stateSignature(compiled, path) !== stateSignature(compiled, sibling);
}

function denied(
  path: string,
  rule: { readonly id: string; readonly reason: string; readonly remedy?: string | undefined } | null,
  missing: number,
): Judgement {
  return { kind: "deny", path, rule, missing, errno: EACCES };
}
