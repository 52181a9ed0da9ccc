import { ERRNO } from "../../platform/errno.ts";
import type { Platform } from "../../platform/platform.ts";
import {
  type LinkRequest,
  OPEN,
  type OpenRequest,
  type RenameRequest,
  type Request,
  type UnlinkRequest,
} from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { resolveRequest } from "../resolve_request.ts";

const ENOENT = ERRNO["ENOENT"]!;
const EBUSY = ERRNO["EBUSY"]!;
const EEXIST = ERRNO["EEXIST"]!;
const EXDEV = ERRNO["EXDEV"]!;
const ENOTDIR = ERRNO["ENOTDIR"]!;
const EISDIR = ERRNO["EISDIR"]!;
const EINVAL = ERRNO["EINVAL"]!;
const ENOTEMPTY = ERRNO["ENOTEMPTY"]!;

/** Bits of EVENT.pathFlags, as the caller wrote the path; those of the second path are SECOND higher. */
const SLASH = 1;
const DOT_DOT = 2;
const DOTS = 4;
const SECOND = 3;

/**
 * Makes good for what normalising took off a path: ".." that may follow a link, and a "/" or "/." at the end. Such an end
 * follows a last link that the call would leave alone, demands a directory, and names nothing that could be made or removed:
 * the errno is then that of fs/namei.c, in its order. What is looked up here may change before the effect, which is on the
 * plain name and decided for it: only the errno is at stake.
 */
export function asNamed(
  request: Request,
  pathFlags: number,
  caller: Caller,
  platform: Platform,
): Request | number {
  const one = pathFlags & 7;
  const two = pathFlags >> SECOND;
  switch (request.op) {
    case "open":
      return opened(request, one, caller, platform);
    case "rename":
      return renamed(request, one, two, caller, platform);
    case "link":
      return linked(request, one, two, caller, platform);
    case "mkdir":
      return made(request, one & ~SLASH, caller, platform);
    case "mknod":
    case "symlink":
      return made(request, one, caller, platform);
    case "unlink":
      return removed(request, one, caller, platform);
    case "refused":
      return request;
    default:
      return resolved("path" in request ? { ...request, path: request.path + ending(one) } : request);
  }

  function resolved<R extends Request>(asked: R): R | number {
    const real = resolveRequest(asked, caller, platform);
    // A link of proc(5): dispatch refuses it, on record.
    if (real === -EXDEV) return request as R;
    return typeof real === "number" ? -real : (real as R);
  }
}

function ending(flags: number): string {
  return flags & DOTS ? "/." : flags & SLASH ? "/" : "";
}

type Walked = { readonly path: string } | number;

/** The real name, or errno. With an ending the last link is followed, and `DOTS` demands that it is there. */
function walk(path: string, flags: number, caller: Caller, platform: Platform): Walked {
  const real = platform.resolve(path + (flags & DOTS ? "/." : ""), caller.tid, caller.pid, "nofollow");
  return typeof real === "number" ? -real : { path: real };
}

function opened(request: OpenRequest, flags: number, caller: Caller, platform: Platform): Request | number {
  const creates = (request.flags & OPEN.create) !== 0;
  if (!creates && (flags & DOT_DOT) === 0) {
    // What is there says itself whether it is a directory: nothing needs to be walked first.
    return { ...request, flags: (request.flags & ~OPEN.nofollow) | OPEN.directory };
  }
  if (!creates || (flags & (SLASH | DOTS)) === 0) {
    const real = resolveRequest({ ...request, path: request.path + ending(flags) }, caller, platform);
    return real === -EXDEV ? request : typeof real === "number" ? -real : real;
  }
  const walked = walk(request.path, flags, caller, platform);
  if (typeof walked === "number") return walked === EXDEV ? request : walked;
  return flags & DOTS && request.flags & OPEN.exclusive ? EEXIST : EISDIR;
}

function made<R extends Request & { readonly path: string }>(
  request: R,
  flags: number,
  caller: Caller,
  platform: Platform,
): R | number {
  const walked = walk(request.path, flags, caller, platform);
  if (typeof walked === "number") return walked === EXDEV ? request : walked;
  if (flags & DOTS) return EEXIST;
  if ((flags & SLASH) === 0) return { ...request, path: walked.path };
  const found = platform.stat(walked.path);
  return typeof found === "number" ? -found : EEXIST;
}

function removed(
  request: UnlinkRequest,
  flags: number,
  caller: Caller,
  platform: Platform,
): Request | number {
  const walked = walk(request.path, flags, caller, platform);
  if (typeof walked === "number") return walked === EXDEV ? request : walked;
  if (flags & DOTS) return request.kind === "file" ? EISDIR : neverRemoved(request.path);
  if ((flags & SLASH) === 0 || request.kind === "directory") return { ...request, path: walked.path };
  const found = platform.stat(walked.path);
  return typeof found === "number" ? -found : found.kind === "directory" ? EISDIR : ENOTDIR;
}

function neverRemoved(path: string): number {
  return path === "/" ? EBUSY : path.endsWith("/..") ? ENOTEMPTY : EINVAL;
}

function renamed(
  request: RenameRequest,
  one: number,
  two: number,
  caller: Caller,
  platform: Platform,
): Request | number {
  const from = walk(request.from, one, caller, platform);
  if (typeof from === "number") return from === EXDEV ? request : from;
  const to = walk(request.to, two, caller, platform);
  if (typeof to === "number") return to === EXDEV ? request : to;
  if (one & DOTS) return EBUSY;
  if (two & DOTS) return request.existing === "refuse" ? EEXIST : EBUSY;
  const real = { ...request, from: from.path, to: to.path };
  if (((one | two) & SLASH) === 0) return real;
  const source = platform.stat(from.path);
  const target = platform.stat(to.path);
  if (typeof source === "number") return -source;
  if (typeof target === "number" && (target !== -ENOENT || request.existing === "exchange")) return -target;
  if (typeof target !== "number" && request.existing === "refuse") return EEXIST;
  const swapped = request.existing === "exchange" && typeof target !== "number";
  if (swapped && two & SLASH && target.kind !== "directory") return ENOTDIR;
  const demands = one & SLASH || (!swapped && two & SLASH);
  return demands && source.kind !== "directory" ? ENOTDIR : real;
}

function linked(
  request: LinkRequest,
  one: number,
  two: number,
  caller: Caller,
  platform: Platform,
): Request | number {
  const real = resolveRequest({ ...request, from: request.from + ending(one) }, caller, platform);
  if (real === -EXDEV) return request;
  if (typeof real === "number" || real.op !== "link") return typeof real === "number" ? -real : request;
  if ((two & (SLASH | DOTS)) === 0) return real;
  const source = platform.stat(real.from);
  if (typeof source === "number") return -source;
  const created = made({ op: "symlink", path: request.to, target: "" }, two, caller, platform);
  return typeof created === "number" ? created : real;
}
