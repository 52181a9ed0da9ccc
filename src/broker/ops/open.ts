import type { Platform } from "../../platform/platform.ts";
import { OPEN, type OpenRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import { ownDescriptor } from "../own_process.ts";

const ENOENT = 2;
const EINTR = 4;
const ENXIO = 6;
const FIFO_RETRY_MS = 10;

/** Opens a file or directory and gives its descriptor, which carries the broker's rights and no more than was asked. */
export function open(request: OpenRequest, caller: Caller, platform: Platform): Outcome | Promise<Outcome> {
  const { path, flags, mode } = request;
  const own = ownDescriptor(path, caller);
  if (own >= 0) return opened(platform.reopen(caller.tid, own, flags));
  const creates = (flags & (OPEN.create | OPEN.temporary)) !== 0;
  const mustCreate = (flags & (OPEN.exclusive | OPEN.temporary)) !== 0;
  // Reading a umask out of /proc costs more than an open: only a file that really comes into being pays for it.
  let fd =
    creates && mustCreate ? -ENOENT : platform.open(path, flags & ~(OPEN.create | OPEN.exclusive), 0, 0);
  if (fd === -ENOENT && creates) {
    const umask = platform.umaskOf(caller.tid);
    fd = umask < 0 ? umask : platform.open(path, flags, mode, umask);
  }
  const awaitsReader = fd === -ENXIO && (flags & (OPEN.read | OPEN.nonblock)) === 0;
  return awaitsReader && isFifo(path, platform) ? awaitReader(request, caller, platform) : opened(fd);
}

function opened(fd: number): Outcome {
  return fd < 0 ? { kind: "failed", errno: -fd } : { kind: "descriptor", fd };
}

function isFifo(path: string, platform: Platform): boolean {
  const found = platform.stat(path);
  return typeof found !== "number" && found.kind === "fifo";
}

/** fifo(7): opening for writing waits for a reader. The broker must not wait, so it asks again until the caller gives up. */
async function awaitReader(request: OpenRequest, caller: Caller, platform: Platform): Promise<Outcome> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, FIFO_RETRY_MS));
    if (!caller.waits()) return opened(-EINTR);
    const fd = platform.open(request.path, request.flags & ~(OPEN.create | OPEN.exclusive), 0, 0);
    if (fd !== -ENXIO) return opened(fd);
  }
}
