import type { Platform } from "../../platform/platform.ts";
import { OPEN, type OpenRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { FifoMeetings } from "../fifo_meetings.ts";
import type { Outcome } from "../outcome.ts";
import { ownDescriptor } from "../own_process.ts";
import type { Opening } from "../undo/undo.ts";

const ENOENT = 2;
const EINTR = 4;
const ENXIO = 6;
const EBADF = 9;
const ESPIPE = 29;
const ELOOP = 40;
const FIFO_RETRY_MS = 10;

/** Opens a file or directory and gives its descriptor, which carries the broker's rights and no more than was asked. */
export function open(
  request: OpenRequest,
  caller: Caller,
  platform: Platform,
  fifos: FifoMeetings,
  opening?: Opening,
): Outcome | Promise<Outcome> {
  const { path, flags, mode } = request;
  if (typeof opening === "number") {
    if ((flags & OPEN.write) !== 0) fifos.writerCame(path);
    return opened(opening);
  }
  if (opening === "new") return opened(create(request, flags | OPEN.exclusive, caller, platform));
  const own = ownDescriptor(path, caller);
  if (own >= 0) {
    // An entry of /proc/PID/fd is a link. With both flags it is that it is no directory.
    if ((flags & (OPEN.nofollow | OPEN.directory)) === OPEN.nofollow)
      return opened(typeof platform.readlink(path) === "number" ? -ENOENT : -ELOOP);
    const fd = platform.reopen(caller.tid, own, flags);
    // It is a name here: there is no such entry.
    return opened(fd === -EBADF ? -ENOENT : fd);
  }
  const creates = (flags & (OPEN.create | OPEN.temporary)) !== 0;
  const mustCreate = (flags & (OPEN.exclusive | OPEN.temporary)) !== 0;
  // Reading a umask out of /proc costs more than an open: only a file that really comes into being pays for it.
  // Without write access the flag itself matters: of a directory it makes EISDIR.
  const isPlain = (flags & OPEN.write) !== 0 && !mustCreate;
  let fd = creates && !isPlain ? -ENOENT : platform.open(path, flags & ~(OPEN.create | OPEN.exclusive), 0, 0);
  if (fd === -ENOENT && creates) fd = create({ path, mode }, flags, caller, platform);
  if (fd === -ESPIPE) return awaitWriter(request, caller, platform, fifos);
  const awaitsReader = fd === -ENXIO && (flags & (OPEN.read | OPEN.nonblock)) === 0;
  if (awaitsReader && isFifo(path, platform)) return awaitReader(request, caller, platform, fifos);
  if (fd >= 0 && (flags & OPEN.write) !== 0) fifos.writerCame(path);
  return opened(fd);
}

function create(
  { path, mode }: Pick<OpenRequest, "path" | "mode">,
  flags: number,
  caller: Caller,
  platform: Platform,
): number {
  const umask = platform.umaskOf(caller.tid);
  return umask < 0 ? umask : platform.open(path, flags, mode, umask);
}

function opened(fd: number): Outcome {
  return fd < 0 ? { kind: "failed", errno: -fd } : { kind: "descriptor", fd };
}

function isFifo(path: string, platform: Platform): boolean {
  const found = platform.stat(path);
  return typeof found !== "number" && found.kind === "fifo";
}

/** fifo(7): opening for writing waits for a reader. The broker must not wait, so it asks again until the caller gives up. */
async function awaitReader(
  request: OpenRequest,
  caller: Caller,
  platform: Platform,
  fifos: FifoMeetings,
): Promise<Outcome> {
  for (;;) {
    await pause();
    if (!caller.waits()) return opened(-EINTR);
    const fd = platform.open(request.path, request.flags & ~(OPEN.create | OPEN.exclusive), 0, 0);
    if (fd >= 0) fifos.writerCame(request.path);
    if (fd !== -ENXIO) return opened(fd);
  }
}

/**
 * fifo(7): opening for reading waits for a writer. The end that the broker holds lets a writer in; that one has come shows by
 * its data, by its end, or, when it is of this run, by its own open.
 */
async function awaitWriter(
  request: OpenRequest,
  caller: Caller,
  platform: Platform,
  fifos: FifoMeetings,
): Promise<Outcome> {
  const fd = platform.open(request.path, request.flags | OPEN.nonblock, 0, 0);
  if (fd < 0) return opened(fd);
  const meeting = fifos.await(request.path);
  try {
    while (!meeting.writerCame && !platform.hasWriter(fd)) {
      await pause();
      if (!caller.waits()) {
        platform.close(fd);
        return opened(-EINTR);
      }
    }
    platform.makeBlocking(fd);
    return opened(fd);
  } finally {
    fifos.leave(request.path, meeting);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, FIFO_RETRY_MS));
}
