import { ERRNO } from "../../platform/errno.ts";
import { dirname } from "../../policy/path.ts";
import { type BindUnixRequest, OPEN } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";
import type { Session } from "../session.ts";

const EADDRINUSE = ERRNO["EADDRINUSE"]!;
const ENOBUFS = ERRNO["ENOBUFS"]!;
const ENOENT = ERRNO["ENOENT"]!;
const SUN_PATH_AT = 2;
const SLASH = 47;

/**
 * Binds the caller's own socket. The kernel takes no directory to start from, and keeps the address for getsockname(2), so it
 * gets what the caller wrote; the file must then be found at the name that was decided on. In between only a process outside
 * the run could move a name, and the socket that it misleads is made with the run's own authority.
 */
export function bindUnix(request: BindUnixRequest, caller: Caller, session: Session): Outcome {
  const { platform, ownSockets } = session;
  const { path } = request;
  if (!ownSockets.hasRoom()) return outcomeOf(-ENOBUFS);
  const parent = platform.open(dirname(path), OPEN.pathOnly | OPEN.directory, 0, 0);
  if (parent < 0) return outcomeOf(parent);
  try {
    const before = platform.stat(path);
    if (before !== -ENOENT) return outcomeOf(typeof before === "number" ? before : -EADDRINUSE);
    const umask = platform.umaskOf(caller.tid);
    if (umask < 0) return outcomeOf(umask);
    const { address, base } = addressFrom(request, parent);
    const failed = platform.sockets.bind(request.socketFd, address, base, umask);
    return outcomeOf(failed < 0 ? failed : ownSockets.add(path));
  } finally {
    platform.close(parent);
  }
}

/** A relative name is cut to its last component, which is looked up in the directory that is held. */
function addressFrom({ address }: BindUnixRequest, parent: number): { address: Uint8Array; base: number } {
  if (address[SUN_PATH_AT] === SLASH) return { address, base: -1 };
  const nul = address.indexOf(0, SUN_PATH_AT);
  const end = nul < 0 ? address.length : nul;
  const name = address.subarray(address.subarray(0, end).lastIndexOf(SLASH) + 1 || SUN_PATH_AT, end);
  // Without a NUL, for which there may be no room: the size ends the name.
  const cut = new Uint8Array(SUN_PATH_AT + name.length);
  cut.set(address.subarray(0, SUN_PATH_AT));
  cut.set(name, SUN_PATH_AT);
  return { address: cut, base: parent };
}
