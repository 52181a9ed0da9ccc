import { openSync } from "node:fs";
import type { NativeBinding } from "../platform/binding.ts";
import { errnoName } from "../platform/errno.ts";
import { decode, encodeHello, encodeRequest } from "../protocol/codec.ts";
import { SallyportError } from "../protocol/errors.ts";
import { BROKER_PATH, OPEN, type Reply } from "../protocol/message.ts";
import { parseReply } from "../protocol/parse_reply.ts";

/** The broker answers at once, or is gone. */
const ANSWER_MS = 30_000;
// linux/socket.h, linux/net.h
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const READ_WRITE = OPEN.read | OPEN.write;

/**
 * Opens a channel to the broker of this run, which is the caller's alone: by the reserved name, or, where opens are not trapped, by
 * asking over the inherited channel that SALLYPORT_FD names. Which one it is decides nothing: the broker knows its callers from the
 * kernel. Waits for the answer. Throws GONE outside a run.
 */
export function openChannel(binding: NativeBinding): number {
  const inherited = process.env["SALLYPORT_FD"];
  if (inherited !== undefined && /^\d{1,9}$/.test(inherited)) return askInherited(binding, Number(inherited));
  try {
    return openSync(BROKER_PATH, "r+");
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw unreachable(code);
  }
}

/**
 * Every process that descends from the first one of the run holds the same inherited channel. So it is asked for one thing only, by one
 * at a time. What comes with another number was for a process that has ended.
 */
function askInherited(binding: NativeBinding, shared: number): number {
  // A program that closed it may have something else there now, as the pipe to its own parent.
  const facts = binding.socketFacts(shared);
  if (typeof facts === "number" || facts[0] !== AF_UNIX || facts[1] !== SOCK_SEQPACKET)
    throw unreachable("EBADF");
  const locked = binding.channelLock(shared);
  if (locked < 0) throw unreachable(errnoName(-locked));
  try {
    const id = 1 + Math.floor(Math.random() * 0xffff_fffe);
    // Whoever came first has greeted; then a hello is answered as invalid, with the number 0.
    send(binding, shared, encodeHello());
    send(binding, shared, encodeRequest(id, { op: "open", path: BROKER_PATH, flags: READ_WRITE, mode: 0 }));
    for (;;) {
      const received = binding.messageReceive(shared, ANSWER_MS);
      if (typeof received === "number") throw unreachable(errnoName(-received));
      const [bytes, fds] = received;
      const reply = replyTo(id, bytes);
      const [channel = -1] = fds;
      if (reply?.ok && channel >= 0) return channel;
      for (const passed of fds) binding.closeFd(passed);
      if (reply !== null) throw unreachable(reply.ok ? "EPROTO" : reply.errno);
    }
  } finally {
    binding.channelUnlock(shared);
  }
}

function send(binding: NativeBinding, shared: number, bytes: Uint8Array): void {
  const failed = binding.messageSend(shared, bytes, [], ANSWER_MS);
  if (failed < 0) throw unreachable(errnoName(-failed));
}

function replyTo(id: number, bytes: Uint8Array): Reply | null {
  const frame = decode(bytes);
  if (!Array.isArray(frame) || frame[0] !== id) return null;
  return parseReply(frame).reply;
}

function unreachable(code: string): SallyportError {
  return new SallyportError(
    "GONE",
    `Cannot reach a broker: ${code}; this process does not run under sallyport, or its run has ended`,
    { errno: code },
  );
}
