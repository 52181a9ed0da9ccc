import type { Platform } from "../../platform/platform.ts";
import { OPEN, type OpenRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";

const ENOENT = 2;

/** Opens a file or directory and gives its descriptor, which carries the broker's rights and no more than was asked. */
export function open(request: OpenRequest, caller: Caller, platform: Platform): Outcome {
  const { path, flags, mode } = request;
  const creates = (flags & (OPEN.create | OPEN.temporary)) !== 0;
  const mustCreate = (flags & (OPEN.exclusive | OPEN.temporary)) !== 0;
  // Reading a umask out of /proc costs more than an open: only a file that really comes into being pays for it.
  let fd = creates && mustCreate ? -ENOENT : platform.open(path, flags & ~(OPEN.create | OPEN.exclusive), 0, 0);
  if (fd === -ENOENT && creates) {
    const umask = platform.umaskOf(caller.tid);
    fd = umask < 0 ? umask : platform.open(path, flags, mode, umask);
  }
  return fd < 0 ? { kind: "failed", errno: -fd } : { kind: "descriptor", fd };
}
