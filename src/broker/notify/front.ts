import { binding, EVENT, type NativeNotifier } from "../../platform/binding.ts";
import { ERRNO, errnoName } from "../../platform/errno.ts";
import { O } from "../../platform/open_flags.ts";
import type { Classifier } from "../../platform/seccomp/classify.ts";
import { BROKER_PATH, OPEN, type RefusedRequest, type Request } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { dispatch } from "../dispatch.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";
import { asNamed } from "./last_component.ts";
import { isSocketCall, socketRequest } from "./socket_calls.ts";
import { NR } from "./syscalls.ts";
import { translate } from "./translate.ts";

const EPERM = ERRNO["EPERM"]!;
const EACCES = ERRNO["EACCES"]!;
const EILSEQ = ERRNO["EILSEQ"]!;
const ENOENT = ERRNO["ENOENT"]!;

/** Mirrors the filter of the run: "trap" is brokered, anything else is answered with a refusal and recorded. */
export type Classify = Classifier["classify"];

export type NotifyFront = { close(): void };

/**
 * Serves the trapped system calls of unmodified programs. Nothing is ever continued: the broker acts on its own copy of the
 * arguments and hands the result in. `openChannel` gives one end of a fresh channel for BROKER_PATH, or -errno.
 */
export function serveNotifications(
  listenerFd: number,
  session: Session,
  classify: Classify,
  openChannel: () => number,
): NotifyFront {
  const notifier: NativeNotifier = binding.startNotifier(listenerFd, receive, () => {});
  const { event, wide } = notifier;
  const words = event.subarray(EVENT.words, EVENT.words + 6);
  // One for all calls: it is read while the event is there, and nobody keeps it.
  const call = {
    nr: 0,
    pid: 0,
    words,
    wide,
    one: "",
    two: "",
    value: () => notifier.data(event[EVENT.slot]!),
  };
  const unsigned = new Uint32Array(event.buffer, event.byteOffset + 4 * EVENT.words, 6);

  function receive(one: string, two: string): void {
    const slot = event[EVENT.slot]!;
    const nr = event[EVENT.nr]!;
    const heldFd = nr === NR.linkat || isSocketCall(nr) ? -1 : event[EVENT.heldFd]!;
    const caller = new NotifiedCaller(event[EVENT.tgid]!, event[EVENT.tid]!, heldFd, slot, notifier);
    const brokered = classify(nr, unsigned) === "trap";
    const status = event[EVENT.status]!;
    const isOurs = status === EPERM || status === EACCES || status === EILSEQ;
    if (brokered && status !== 0 && !isOurs) {
      notifier.replyError(slot, status);
      return;
    }
    const request = !brokered
      ? refusalOf(nr)
      : isOurs
        ? unreadable(nr, status)
        : requestOf(nr, one, two, caller);
    if (request instanceof Promise) {
      void request.then((errno) => returned(slot, errno));
      return;
    }
    if (typeof request === "number") {
      returned(slot, request);
      return;
    }
    const named =
      event[EVENT.pathFlags] === 0
        ? request
        : asNamed(request, event[EVENT.pathFlags]!, caller, session.platform);
    if (typeof named === "number") {
      notifier.replyError(slot, named);
      return;
    }
    const how = closesOnExec(nr, words) | mayWriteProgram(named);
    if (request.op === "open" && request.path === BROKER_PATH) {
      const end = openChannel();
      answer(slot, end < 0 ? { kind: "failed", errno: -end } : { kind: "descriptor", fd: end }, how);
      return;
    }
    const outcome = dispatch(named, caller, session);
    if (outcome instanceof Promise) void outcome.then((late) => answer(slot, late, how));
    else answer(slot, outcome, how);
  }

  function returned(slot: number, errno: number): void {
    if (errno === 0) notifier.replyValue(slot, 0);
    else notifier.replyError(slot, errno);
  }

  function requestOf(
    nr: number,
    one: string,
    two: string,
    caller: Caller,
  ): Request | number | Promise<number> {
    // A call by descriptor on something without a name: a pipe or a socket has no permissions worth changing.
    if (!isSocketCall(nr) && one === "" && event[EVENT.heldFd]! >= 0 && nr !== NR.linkat) return EPERM;
    call.nr = nr;
    call.pid = event[EVENT.tgid]!;
    call.one = one;
    call.two = two;
    if (isSocketCall(nr)) return socketRequest(call, event[EVENT.heldFd]!, session, () => caller.waits());
    return translate(call);
  }

  /** A caller that hides its memory, or names a file in no UTF-8, can not be judged. */
  function unreadable(nr: number, status: number): RefusedRequest {
    const what = `system call ${nr}: its arguments can not be read`;
    return { op: "refused", what, rule: "syscalls.unreadable", errno: errnoName(status) };
  }

  function refusalOf(nr: number): RefusedRequest {
    const judged = classify(nr, unsigned);
    if (typeof judged !== "object") {
      return {
        op: "refused",
        what: `system call ${nr}: not known here`,
        rule: "syscalls.unknown",
        errno: "ENOSYS",
      };
    }
    return { op: "refused", ...judged.refuse };
  }

  function answer(slot: number, outcome: Outcome, how: number): void {
    switch (outcome.kind) {
      case "descriptor": {
        const result = notifier.replyFd(slot, outcome.fd, how & CLOSE_ON_EXEC, how & MAY_WRITE_PROGRAM);
        // The caller must not be left waiting: -ENOENT alone says that it has gone.
        if (result < 0 && result !== -ENOENT) notifier.replyError(slot, -result);
        break;
      }
      case "value":
        notifier.replyValue(slot, 0);
        break;
      case "bytes":
        notifier.replyError(slot, EPERM);
        break;
      case "failed":
      case "denied":
        notifier.replyError(slot, outcome.errno);
        break;
    }
  }

  return { close: () => notifier.close() };
}

const NO_DESCRIPTORS: readonly number[] = [];

/** A thread that waits for the answer to its notification. */
class NotifiedCaller implements Caller {
  readonly descriptors: readonly number[] = NO_DESCRIPTORS;
  readonly pid: number;
  readonly tid: number;
  readonly heldFd: number;
  readonly #slot: number;
  readonly #notifier: NativeNotifier;

  constructor(pid: number, tid: number, heldFd: number, slot: number, notifier: NativeNotifier) {
    this.pid = pid;
    this.tid = tid;
    this.heldFd = heldFd;
    this.#slot = slot;
    this.#notifier = notifier;
  }

  waits(): boolean {
    return this.#notifier.isValid(this.#slot) === 1;
  }
}

/** How a descriptor is handed in. */
const CLOSE_ON_EXEC = 1;
const MAY_WRITE_PROGRAM = 2;

function closesOnExec(nr: number, words: Int32Array): number {
  const flags = nr === NR.openat ? words[2]! : nr === NR.open ? words[1]! : 0;
  return flags & O.cloexec ? CLOSE_ON_EXEC : 0;
}

/** A new file is none when its mode says so; what is there already has to be looked at. */
function mayWriteProgram(request: Request): number {
  if (request.op !== "open") return MAY_WRITE_PROGRAM;
  const { flags, mode } = request;
  if ((flags & (OPEN.write | OPEN.append)) === 0) return 0;
  return (flags & NEW) === NEW && (mode & ANYBODY_EXECUTES) === 0 ? 0 : MAY_WRITE_PROGRAM;
}

const NEW = OPEN.create | OPEN.exclusive;
const ANYBODY_EXECUTES = 0o111;
