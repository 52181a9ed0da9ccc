import { breachOfAll, type FileAlternatives } from "../../files/file_alternatives.ts";
import { type Breach, breachOfSize } from "../../files/file_limits.ts";
import { binding } from "../../platform/binding.ts";
import { requestPaths } from "../../policy/request_paths.ts";
import { RIGHT } from "../../policy/rights.ts";
import { OPEN, type RenameRequest, type Request } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import type { RunLog } from "../run_log.ts";
import type { Session } from "../session.ts";
import { refuseBreach } from "../undo/recorder.ts";
import type { Authority } from "./authority.ts";
import { alternativesOf } from "./written_files.ts";

type Late = Outcome | Promise<Outcome>;

/**
 * Holds what a request reads and writes to what the tokens of its session let a file be. What is read is looked at before it is handed out.
 * What is written is looked at when it is committed or, of a descriptor, at the end of the run, when nobody can write any more; the kernel
 * keeps the program itself to the size (RLIMIT_FSIZE).
 */
export function withFileChecks(
  request: Request,
  caller: Caller,
  session: Session,
  log: Pick<RunLog, "denial">,
  act: () => Late,
): Late {
  const { authority, written } = session;
  const isLimited = authority?.limitsFiles ?? false;
  if (!isLimited && written.isEmpty) return act();
  if (isLimited && request.op === "rename" && movesDirectory(request, session))
    return refuseBreach(request, caller, DIRECTORY, log);
  noteWritten(request, authority, session);
  if (authority === undefined || !isLimited) return act();
  if (request.op === "truncate") {
    const lists = written.of(request.path);
    const breach = lists.map((list) => firstOf(list, request.sizeBytes)).find((one) => one !== null);
    if (breach !== undefined && breach !== null) return refuseBreach(request, caller, breach, log);
  }
  if (request.op === "commit") {
    const fd = session.transactions.find(request.transaction, request.path)?.draft.fd ?? -1;
    // Somebody may still write to it: then the commit itself is refused.
    const breach = fd < 0 ? null : breachOfAll(fd, written.of(request.path));
    if (breach !== null) return refuseBreach(request, caller, breach, log);
  }
  if (request.op !== "open" || (request.flags & (OPEN.read | OPEN.directory)) !== OPEN.read) return act();
  const lists = alternativesOf(authority.limits(request.path, "read")).map((list) =>
    list.map((limits) => ({ ...limits, maxBytes: null })),
  );
  const look = (outcome: Outcome): Outcome => {
    const breach = outcome.kind === "descriptor" && lists.length > 0 ? breachIn(outcome.fd, lists) : null;
    if (breach === null || outcome.kind !== "descriptor") return outcome;
    binding.closeFd(outcome.fd);
    return refuseBreach(request, caller, breach, log);
  };
  const outcome = act();
  return outcome instanceof Promise ? outcome.then(look) : look(outcome);
}

/** A descriptor that was opened with O_DIRECT or of something without content has no type that could be looked at. */
function breachIn(fd: number, lists: FileAlternatives): ReturnType<typeof breachOfAll> {
  try {
    return breachOfAll(fd, lists);
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    return { rule: "files.mime-type", reason: `its type can not be told: ${code}`, errno: 13 };
  }
}

function firstOf(list: FileAlternatives[number], sizeBytes: number) {
  const breaches = list.map((limits) => breachOfSize(sizeBytes, limits));
  return breaches.includes(null) ? null : (breaches[0] ?? null);
}

/** What comes to have a content, or a name, by the request; of the run as a whole, since another session may have written it before. */
function noteWritten(request: Request, authority: Authority | undefined, { written }: Session): void {
  if (request.op === "unlink" || request.op === "commit" || request.op === "discard") return;
  for (const { path, rights } of requestPaths(request)) {
    if ((rights & (RIGHT.write | RIGHT.create)) === 0) continue;
    written.note(path, authority?.limits(path, "write") ?? []);
  }
  if (request.op === "rename" || request.op === "link") written.follow(request.from, request.to);
  if (request.op === "rename" && request.existing === "exchange") written.follow(request.to, request.from);
}

/** The files in it would have other names, and other limits, without having been looked at. */
function movesDirectory({ from, to }: RenameRequest, { platform }: Session): boolean {
  return [from, to].some((path) => {
    const found = platform.stat(path);
    return typeof found !== "number" && found.kind === "directory";
  });
}

const DIRECTORY: Breach = {
  rule: "files.directory",
  reason: "a token that limits what files may be does not let a directory with files in it be moved",
  errno: 13,
};
