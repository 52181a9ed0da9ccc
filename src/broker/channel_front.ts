import { randomBytes } from "node:crypto";
import { binding, type NativeChannel } from "../platform/binding.ts";
import { errnoName } from "../platform/errno.ts";
import { decode, encodeHelloReply, encodeReply } from "../protocol/codec.ts";
import { SallyportError } from "../protocol/errors.ts";
import { BROKER_PATH, type RefusedRequest, type Reply, type Request } from "../protocol/message.ts";
import { parseHello, parseRequest, parseRequestId } from "../protocol/parse.ts";
import { Nonces } from "../tokens/nonces.ts";
import type { Caller } from "./caller.ts";
import { denialLine } from "./denial.ts";
import { dispatch } from "./dispatch.ts";
import type { Outcome } from "./outcome.ts";
import type { Session } from "./session.ts";
import type { Presenting } from "./tokens/agents.ts";

/** A client that lets more than this many requests wait for a late answer is told BUSY. */
const MAX_PENDING = 256;

export type ChannelFront = {
  /** From here on a message counts only if its sender belongs to the session. 0 or -errno. */
  identifySenders(): number;
  close(): void;
};

/**
 * Serves one channel of the shim; takes `fd`. Whoever holds the other end is inside the run; which process sent a message is
 * what the kernel says (SCM_CREDENTIALS). A malformed frame ends this channel and nothing else. `openChannel` gives one end of a
 * fresh channel, or -errno, to whoever opens BROKER_PATH over this one.
 */
export function serveChannel(
  fd: number,
  session: Session,
  openChannel: () => number,
  onClose: () => void,
): ChannelFront {
  let greeted = false;
  let open = true;
  let pending = 0;
  let identifies = false;
  const presenting: Presenting = { name: randomBytes(12).toString("base64url"), nonces: new Nonces() };
  const channel: NativeChannel = binding.startChannel(fd, receive, closed);

  function receive(
    bytes: Uint8Array,
    pid: number,
    _uid: number,
    _gid: number,
    fds: readonly number[],
    identity: number,
  ): void {
    if (!open) return;
    let kept = false;
    let id = 0;
    try {
      if (!greeted) {
        parseHello(decode(bytes));
        greeted = true;
        send(encodeHelloReply(session.run, session.profile), -1);
        return;
      }
      const frame = decode(bytes);
      id = parseRequestId(frame) ?? 0;
      const isForeign = identifies && session.agents?.belongs(pid, identity, session) !== true;
      const request: Request = isForeign ? FOREIGN : parseRequest(frame).request;
      if (fds.length > 0 && request.op !== "exec" && !isForeign) {
        throw new SallyportError("PROTOCOL", "Only exec may carry descriptors", { errno: "EPROTO" });
      }
      if (pending >= MAX_PENDING) {
        answer(id, { ok: false, code: "BUSY", errno: "EAGAIN", message: "Too many requests wait" }, -1);
        return;
      }
      if (isForChannel(request)) {
        const end = openChannel();
        reply(id, end < 0 ? { kind: "failed", errno: -end } : { kind: "descriptor", fd: end });
        return;
      }
      const outcome = dispatch(request, callerOf(pid, fds), session);
      kept = outcome instanceof Promise;
      if (outcome instanceof Promise) void finish(id, outcome, fds);
      else reply(id, outcome);
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      // INVALID is an answer to a well-formed frame; anything else means that the two ends no longer understand each other.
      const message: Reply = { ok: false, code: error.code, errno: error.errno, message: error.message };
      if (greeted) answer(id, message, -1);
      if (!greeted || error.code !== "INVALID") close();
    } finally {
      if (!kept) for (const received of fds) binding.closeFd(received);
    }
  }

  function callerOf(pid: number, descriptors: readonly number[]): Caller {
    return { pid, tid: pid, heldFd: -1, descriptors, channel: presenting, waits: () => open };
  }

  async function finish(id: number, outcome: Promise<Outcome>, fds: readonly number[]): Promise<void> {
    pending++;
    const late = await outcome;
    pending--;
    for (const received of fds) binding.closeFd(received);
    reply(id, late);
  }

  function reply(id: number, outcome: Outcome): void {
    switch (outcome.kind) {
      case "descriptor":
        answer(id, { ok: true, value: outcome.value ?? null }, outcome.fd);
        break;
      case "value":
        answer(id, { ok: true, value: outcome.value }, -1);
        break;
      case "bytes":
        answer(id, { ok: false, code: "INTERNAL", errno: "EPROTO", message: "EPROTO" }, -1);
        break;
      case "failed": {
        const errno = errnoName(outcome.errno);
        const code = errno === "ENOENT" ? "NOT_FOUND" : "SYSTEM";
        answer(id, { ok: false, code, errno, message: outcome.message ?? errno }, -1);
        break;
      }
      case "denied": {
        const { denial } = outcome;
        const errno = errnoName(outcome.errno);
        answer(id, { ok: false, code: "DENIED", errno, message: denialLine(denial), denial }, -1);
        break;
      }
    }
  }

  function answer(id: number, message: Reply, descriptor: number): void {
    try {
      send(encodeReply(id, message), descriptor);
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      const { code, errno } = error;
      send(encodeReply(id, { ok: false, code, errno, message: error.message }), -1);
      if (descriptor >= 0) binding.closeFd(descriptor);
    }
  }

  function send(bytes: Uint8Array, descriptor: number): void {
    if (!open) {
      if (descriptor >= 0) binding.closeFd(descriptor);
      return;
    }
    // A client that does not read its answers has itself to blame: nothing is queued for it here.
    if (channel.send(bytes, descriptor) < 0) close();
  }

  function closed(): void {
    if (!open) return;
    open = false;
    onClose();
  }

  function close(): void {
    if (!open) return;
    open = false;
    channel.close();
    onClose();
  }

  function identifySenders(): number {
    identifies = true;
    return channel.identify();
  }

  return { identifySenders, close };
}

const FOREIGN: RefusedRequest = {
  op: "refused",
  what: "a channel: it belongs to another session of the run, whose authority is not the sender's; open /run/sallyport/broker for one of its own",
  rule: "session.foreign-channel",
  errno: "EPERM",
};

// Where nothing is trapped, all processes of a run hold the same channel: this is how each gets one of its own.
function isForChannel(request: Request): boolean {
  return request.op === "open" && request.path === BROKER_PATH;
}
