import { decidePath } from "../policy/decide.ts";
import { RIGHT } from "../policy/rights.ts";
import { matchPath, stateSignature, UNDECIDABLE } from "../policy/trie.ts";
import type { LinkRequest, RenameRequest } from "../protocol/message.ts";
import { denied, type Judgement, type RefusingRule } from "./judgement.ts";
import { outerRepository } from "./nested_repository.ts";
import type { OwnRepositories } from "./own_repositories.ts";
import type { Session } from "./session.ts";

/** A renamed tree larger than this is not searched for protected names: it is refused. */
const MAX_WALK_ENTRIES = 50_000;

export const PLANTED_LINK = {
  id: "protected.symlink",
  reason: "a symbolic link here would stand in for a directory whose files are protected",
};
const UNSEARCHED: RefusingRule = {
  id: "protected.unsearched",
  reason: `the tree can not be searched for protected names, or holds more than ${MAX_WALK_ENTRIES} entries`,
};
const OWN_REPOSITORY = {
  id: "protected.own-repository",
  reason:
    "a repository of the run's making would take the place of something that was there before, or come into another's",
};

/**
 * A rename moves everything below it. Where the names on the way make no difference to any deny rule, nothing below can
 * become denied or stop being so; else the tree is searched, at both names. It is searched too where it takes a place that
 * was somebody's: what the run may configure in a repository of its own must not come to stand for another one.
 */
export function judgeRename(request: RenameRequest, session: Session): Judgement | null {
  const moves: [string, string][] = [[request.from, request.to]];
  if (request.existing === "exchange") moves.push([request.to, request.from]);
  for (const [from, to] of moves) {
    const refused = judgeMove(from, to, request.existing, session);
    if (refused !== null) return refused;
  }
  return null;
}

function judgeMove(
  from: string,
  to: string,
  existing: RenameRequest["existing"],
  session: Session,
): Judgement | null {
  const { compiled } = session.policy;
  const own = session.ownRepositories;
  const free = own.freeBelow(from);
  if (free !== null && outerRepository(to, session) !== outerRepository(from, session))
    return denied(to + free.slice(from.length), OWN_REPOSITORY, RIGHT.create);
  const takesPlace =
    own.isVacated(to) ||
    (existing === "exchange" && !own.madeExactly(to) && !own.contains(to)) ||
    entersOther(from, to, own);
  const rules = [compiled, ...[...session.policy.exceptions.values()].map(({ paths }) => paths)];
  const isSame = rules.every((one) => stateSignature(one, from) === stateSignature(one, to));
  const names = isSame ? "as-before" : "other";
  if (!takesPlace && names === "as-before") return null;
  const found = session.platform.stat(from);
  if (typeof found === "number") return null;
  if (found.kind === "symlink" && isPartOfRule(to, session)) return denied(to, PLANTED_LINK, RIGHT.create);
  return found.kind === "directory" ? searchTree(from, to, takesPlace, names, session) : null;
}

/** Says whether the tree comes from elsewhere into a git directory that was there before the run, whose modules git trusts. */
function entersOther(from: string, to: string, own: OwnRepositories): boolean {
  const end = to.indexOf("/.git/");
  if (end < 0) return false;
  const directory = to.slice(0, end + 5);
  return !own.madeExactly(directory) && !from.startsWith(`${directory}/`);
}

/** A second name of a symbolic link is a link as well. */
export function judgeLink({ from, to }: LinkRequest, session: Session): Judgement | null {
  const found = session.platform.stat(from);
  const isSymlink = typeof found !== "number" && found.kind === "symlink";
  return isSymlink && isPartOfRule(to, session) ? denied(to, PLANTED_LINK, RIGHT.create) : null;
}

function searchTree(
  from: string,
  to: string,
  takesPlace: boolean,
  names: "as-before" | "other",
  session: Session,
): Judgement | null {
  const pending = [""];
  let entries = 0;
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    const entriesHere = session.platform.list(from + below, MAX_WALK_ENTRIES);
    if (typeof entriesHere === "number") return denied(from + below, UNSEARCHED, RIGHT.delete);
    entries += entriesHere.length;
    if (entries > MAX_WALK_ENTRIES) return denied(from, UNSEARCHED, RIGHT.delete);
    for (const name of entriesHere) {
      const path = `${below}/${name}`;
      const found = session.platform.stat(from + path);
      // Too deep, or of a name that is no UTF-8: what it holds can not be looked at either.
      if (typeof found === "number") return denied(from + path, UNSEARCHED, RIGHT.delete);
      const isDirectory = found.kind === "directory";
      if (takesPlace && name === ".git" && !isDirectory)
        return denied(to + path, OWN_REPOSITORY, RIGHT.create);
      const here = denyRule(to + path, RIGHT.create | RIGHT.write, session);
      if (here === UNSEARCHED) return denied(from + path, here, RIGHT.delete);
      if (here !== null) return denied(to + path, takesPlace ? OWN_REPOSITORY : here, RIGHT.create);
      if (found.kind === "symlink" && isPartOfRule(to + path, session))
        return denied(to + path, PLANTED_LINK, RIGHT.create);
      const away = names === "other" ? denyRule(from + path, RIGHT.delete | RIGHT.read, session) : null;
      if (away !== null) return denied(from + path, away, RIGHT.delete);
      if (isDirectory) pending.push(path);
    }
  }
  return null;
}

/**
 * Only an explicit rule counts here: what no rule grants below is not touched by moving what holds it. A name on which no rule
 * can be asked, being too long or too deep, is refused: in another place it may be shorter.
 */
function denyRule(path: string, rights: number, session: Session): RefusingRule | null {
  const verdict = decidePath(session.policy, path, rights);
  if (verdict.kind === "allow" || verdict.rule !== null) return verdict.kind === "deny" ? verdict.rule : null;
  return matchPath(session.policy.compiled, path) === UNDECIDABLE ? UNSEARCHED : null;
}

/** Says whether the name is a step of some deny rule's pattern rather than just any name. */
export function isPartOfRule(path: string, session: Session): boolean {
  const { compiled } = session.policy;
  const sibling = `${path.slice(0, path.lastIndexOf("/"))}/\u0001`;
  return stateSignature(compiled, path) !== stateSignature(compiled, sibling);
}
