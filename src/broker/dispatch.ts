import type { LimitRefusal } from "../limits/refusal.ts";
import { ERRNO } from "../platform/errno.ts";
import { OPEN, type Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { denialOf } from "./denial.ts";
import { judge } from "./judge.ts";
import { denied, type Judgement } from "./judgement.ts";
import { limitDenial } from "./limit_denial.ts";
import type { Outcome } from "./outcome.ts";
import { ownSandboxStep } from "./own_sandboxes.ts";
import { perform } from "./perform.ts";
import { behindDescriptor, needsTarget, resolveRequest } from "./resolve_request.ts";
import type { RunLog } from "./run_log.ts";
import type { Session } from "./session.ts";
import { NOT_GRANTED } from "./tokens/authority.ts";
import { withFileChecks } from "./tokens/file_checks.ts";

const EINTR = ERRNO["EINTR"]!;
const ELOOP = ERRNO["ELOOP"]!;
const ENOENT = ERRNO["ENOENT"]!;
const ENOTDIR = ERRNO["ENOTDIR"]!;
const EXDEV = ERRNO["EXDEV"]!;

/**
 * Takes one request through the only order there is: decide, record, act, record. Both ways in join here. Event-loop thread
 * only. Paths may be as the caller wrote them; whatever is decided is decided on names without links, and an effect on a name
 * that turns out to hold a link does not happen (-ELOOP) and is judged again on the real name.
 */
export function dispatch(request: Request, caller: Caller, session: Session): Outcome | Promise<Outcome> {
  const held = session.containment?.held ?? null;
  if (held !== null) return tracked(whenOpen(held, request, caller, session), session);
  const taken = session.limits.take(request);
  if (typeof taken !== "number") return limited(request, caller, taken, session);
  if (taken > 0) return tracked(later(request, caller, session, taken), session);
  // A flow has an order of its own, which is the same for every way to ask for it: flows.ts.
  if (request.op === "connect") return tracked(session.sockets.connect(request, caller), session);
  const named =
    caller.heldFd < 0 && needsTarget(request) ? resolveRequest(request, caller, session.platform) : request;
  if (typeof named === "number") return unresolved(request, caller, -named, session);
  return decideRecordAct(named, caller, session, "as-written");
}

/** The journal is not closed before what still takes its time has been recorded. */
function tracked(late: Promise<Outcome>, session: Session): Promise<Outcome> {
  session.pending.add(late);
  const forget = (): void => void session.pending.delete(late);
  late.then(forget, forget);
  return late;
}

/** A run that is above its rate is slowed down to it: a program takes an error for a fault, and would only try again. */
async function later(request: Request, caller: Caller, session: Session, waitNs: number): Promise<Outcome> {
  await new Promise((resolve) => setTimeout(resolve, Math.ceil(waitNs / 1e6)));
  return caller.waits() ? dispatch(request, caller, session) : { kind: "failed", errno: EINTR };
}

/** What comes in while the run is frozen is looked at when it goes on: nobody was told anything about it. */
async function whenOpen(
  held: Promise<void>,
  request: Request,
  caller: Caller,
  session: Session,
): Promise<Outcome> {
  await held;
  return caller.waits() ? dispatch(request, caller, session) : { kind: "failed", errno: EINTR };
}

function decideRecordAct(
  request: Request,
  caller: Caller,
  session: Session,
  names: "as-written" | "resolved",
): Outcome | Promise<Outcome> {
  const judgement = judge(request, caller, session);
  const mayResolve = names === "as-written" && caller.heldFd < 0;
  if (judgement.kind === "deny") {
    const real = mayResolve ? resolveRequest(request, caller, session.platform) : request;
    if (typeof real !== "number" && real !== request)
      return decideRecordAct(real, caller, session, "resolved");
    if (real === -EXDEV) return unresolved(request, caller, EXDEV, session);
    const isMissing = real === -ENOENT;
    return refuse(request, caller, judgement, session, isMissing);
  }
  const log = logOf(judgement, session);
  const booked = session.quotas?.book(request, judgement.account) ?? null;
  if (booked !== null && "level" in booked) return limited(request, caller, booked, session);
  const intent = log.intent(request, caller, judgement.rule, judgement.looked);
  const prepared = judgement.prepare === undefined ? 0 : session.undo.renew(request, judgement.prepare);
  const before = session.storms?.before(request) ?? null;
  const outcome: ReturnType<typeof perform> =
    prepared < 0
      ? { kind: "failed", errno: -prepared }
      : withFileChecks(request, caller, session, log, () =>
          judgement.instead !== undefined
            ? session.undo.perform(asNew(request), caller, judgement.instead)
            : session.undo.perform(request, caller, (opening) => perform(request, caller, session, opening)),
        );
  if (outcome instanceof Promise) {
    const recorded = outcome.then((late) => {
      log.outcome(intent, request, late);
      session.quotas?.settle(booked, request, late);
      session.storms?.after(before, request, caller, late);
      return late;
    });
    session.observer?.saw(request, caller, null, judgement.rule, session);
    return tracked(recorded, session);
  }
  log.outcome(intent, request, outcome);
  session.quotas?.settle(booked, request, outcome);
  session.storms?.after(before, request, caller, outcome);
  if (outcome.kind === "value") noteOwnRepository(request, session);
  if (outcome.kind !== "failed") session.ownSharedMemory.note(request, outcome, session.platform);
  session.ownTerminals.note(request, outcome, session.platform);
  if (outcome.kind === "failed" && outcome.errno === ELOOP && mayResolve) {
    const real = resolveRequest(request, caller, session.platform);
    if (typeof real === "number") return unresolved(request, caller, -real, session);
    if (real !== request) return decideRecordAct(real, caller, session, "resolved");
  }
  if (outcome.kind === "failed" && outcome.errno === EXDEV && request.op === "open") {
    const real = behindDescriptor(request, caller, session.platform);
    if (typeof real === "number") return { kind: "failed", errno: -real };
    return decideRecordAct(real, caller, session, "resolved");
  }
  session.observer?.saw(request, caller, outcome, judgement.rule, session);
  return outcome;
}

function limited(request: Request, caller: Caller, refusal: LimitRefusal, session: Session): Outcome {
  const { denial, errno } = limitDenial(request, refusal, session.profile);
  session.log.denial(request, caller, denial, errno);
  return { kind: "denied", errno, denial, limit: refusal };
}

/** What is done in place of an open makes a file or does nothing: nothing that is there must be opened on the way to it. */
function asNew(request: Request): Request {
  return request.op === "open"
    ? { ...request, flags: request.flags | OPEN.create | OPEN.exclusive }
    : request;
}

/** EXDEV stands for a link of proc(5) that leads where no name says: that is refused. Anything else the kernel would say too. */
function unresolved(request: Request, caller: Caller, errno: number, session: Session): Outcome {
  if (errno !== EXDEV) return { kind: "failed", errno };
  return refuse(request, caller, denied(firstPath(request), MAGIC_LINK, 0), session);
}

const MAGIC_LINK = {
  id: "protected.magic-link",
  reason: "links below /proc/PID/fd, cwd, root and exe are not followed",
};

function firstPath(request: Request): string {
  return "path" in request ? request.path : "from" in request ? request.from : "";
}

/** The capability that a decision rests on is in its records. */
function logOf({ capability }: Judgement, { log }: Session): RunLog {
  return capability === undefined ? log : log.under(capability);
}

function noteOwnRepository(request: Request, session: Session): void {
  if (request.op === "mkdir") session.ownRepositories.made(request.path);
  else if (request.op === "unlink") session.ownRepositories.removed(request.path);
  else if (request.op === "rename") {
    if (request.existing !== "exchange" && isNoDirectory(request.to, session)) return;
    session.ownRepositories.renamed(request.from, request.to, request.existing);
  }
}

/** Of what was just moved there. Most often it is a file, which the attempt to hold it as a directory tells at once. */
function isNoDirectory(path: string, { platform }: Session): boolean {
  const held = platform.open(path, OPEN.pathOnly | OPEN.directory | OPEN.nofollow, 0, 0);
  if (held === -ENOTDIR) return true;
  if (held >= 0) {
    platform.close(held);
    return false;
  }
  const found = platform.stat(path);
  return typeof found !== "number" && found.kind !== "directory";
}

function refuse(
  request: Request,
  caller: Caller,
  judgement: Extract<Judgement, { kind: "deny" }>,
  session: Session,
  isMissing = false,
): Outcome {
  const plainly = kernelsAnswer(request, judgement, session, isMissing);
  if (plainly !== null) {
    session.log.answer(request, caller, plainly);
    return { kind: "failed", errno: ERRNO[plainly]! };
  }
  const plain = denialOf(request.op, judgement.path, judgement.rule, judgement.missing, session.policy);
  const step = ownSandboxStep(plain.rule, caller.pid, session.rootPid, session.platform);
  const denial = step === null ? plain : { ...plain, nextSteps: [step] };
  logOf(judgement, session).denial(request, caller, denial, judgement.errno, judgement.looked);
  return { kind: "denied", errno: judgement.errno, denial };
}

/**
 * What no rule grants, but would fail anyway: opening what is not there, and making what is. The kernel would say so, and so does
 * stat(2), which nobody is refused. Programs look for a great many files that do not exist, and make directories that do.
 */
function kernelsAnswer(
  request: Request,
  judgement: Extract<Judgement, { kind: "deny" }>,
  session: Session,
  isMissing: boolean,
): "ENOENT" | "EEXIST" | null {
  if (judgement.rule !== null && judgement.rule.id !== NOT_GRANTED) return null;
  const { platform } = session;
  if (request.op === "mkdir" || request.op === "mknod" || request.op === "symlink")
    return typeof platform.stat(request.path) === "number" ? null : "EEXIST";
  if (request.op !== "open" && request.op !== "connect-unix") return null;
  if (request.op === "open" && request.flags & (OPEN.create | OPEN.temporary)) return null;
  return isMissing || platform.stat(request.path) === -ENOENT ? "ENOENT" : null;
}
