import { ERRNO } from "../platform/errno.ts";
import type { Platform } from "../platform/platform.ts";
import { type Follow, OPEN, type OpenRequest, type Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { ownDescriptor } from "./own_process.ts";

const EACCES = ERRNO["EACCES"]!;

/**
 * The same request with every symbolic link in its paths resolved as the caller would see it, or -errno. The last component
 * is followed only where the system call would. An already resolved request comes back as it is.
 */
export function resolveRequest(request: Request, caller: Caller, platform: Platform): Request | number {
  switch (request.op) {
    case "open": {
      const makes = OPEN.create | OPEN.exclusive;
      const stays = (request.flags & OPEN.nofollow) !== 0 || (request.flags & makes) === makes;
      return ownTerminal(
        withPath(request, stays ? "nofollow" : "follow", caller, platform),
        caller,
        platform,
      );
    }
    case "stat":
    case "chmod":
    case "chown":
    case "utimens":
    case "setxattr":
    case "removexattr":
      return withPath(request, request.follow, caller, platform);
    case "list":
    case "truncate":
    case "begin":
    case "commit":
    case "discard":
    case "exec":
    case "connect-unix":
      return withPath(request, "follow", caller, platform);
    case "mkdir":
    case "mknod":
    case "unlink":
    case "symlink":
    case "bind-unix":
      return withPath(request, "nofollow", caller, platform);
    case "rename":
      return withBoth(request, "nofollow", caller, platform);
    case "link":
      return withBoth(request, request.follow, caller, platform);
    case "connect":
    case "bind":
    case "resolve":
    case "kill":
    case "ssh-sign":
    case "refused":
      return request;
  }
}

/**
 * Says whether the effect of the operation would act on a link itself where the caller means what it points to, or, when the
 * kernel executes a program, follow it unseen.
 */
export function needsTarget(request: Request): boolean {
  if (request.op === "open") return request.path === "/dev/tty" || request.path.startsWith("/proc/");
  if (["truncate", "exec", "begin", "commit", "discard"].includes(request.op)) return true;
  return "follow" in request && request.follow === "follow";
}

/** `/dev/tty`, whatever name led there, is another terminal for the broker than for the caller: the person's. */
function ownTerminal(
  request: OpenRequest | number,
  caller: Caller,
  platform: Platform,
): OpenRequest | number {
  if (typeof request === "number" || request.path !== "/dev/tty") return request;
  const path = platform.terminalOf(caller.tid);
  return typeof path === "number" ? path : { ...request, path };
}

/** The same for the name of a file that the caller holds as `/proc/self/fd/N`, or -errno; -EACCES when it has none. */
export function behindDescriptor(
  request: OpenRequest,
  caller: Caller,
  platform: Platform,
): OpenRequest | number {
  const path = platform.readlink(request.path);
  if (typeof path === "number") return path;
  return path.startsWith("/") ? ownTerminal({ ...request, path }, caller, platform) : -EACCES;
}

function withPath<R extends Request & { path: string }>(
  request: R,
  follow: Follow,
  caller: Caller,
  platform: Platform,
): R | number {
  const resolved = platform.resolve(request.path, caller.tid, caller.pid, follow);
  if (typeof resolved === "number") return resolved;
  // chmod(2) of /proc/self/fd/N, which glibc makes of fchmodat(2): the name of what is held stands for it.
  const isHeld = request.op !== "open" && follow === "follow" && ownDescriptor(resolved, caller) >= 0;
  const path = isHeld ? platform.readlink(resolved) : resolved;
  if (typeof path === "number") return path;
  if (!path.startsWith("/")) return -EACCES;
  return path === request.path ? request : { ...request, path };
}

function withBoth<R extends Request & { from: string; to: string }>(
  request: R,
  follow: Follow,
  caller: Caller,
  platform: Platform,
): R | number {
  const from = platform.resolve(request.from, caller.tid, caller.pid, follow);
  if (typeof from === "number") return from;
  const to = platform.resolve(request.to, caller.tid, caller.pid, "nofollow");
  if (typeof to === "number") return to;
  return from === request.from && to === request.to ? request : { ...request, from, to };
}
