import { OPEN, type OpenRequest, type RenameRequest, type Request } from "../protocol/message.ts";
import { joinPath } from "./path.ts";
import { RIGHT } from "./rights.ts";

/** Rights that a request needs on one path. */
export type PathRights = { readonly path: string; readonly rights: number };

/** Stands for the unnamed file of an open with `temporary`: a rule grants it as a name in the directory. */
export const TEMPORARY_NAME = "#tmp";

/**
 * What a request needs, each path with its rights, in the order in which they are decided. Of a refused request there is
 * nothing. A link needs write on what it links to: the new name is a way to write it.
 */
export function requestPaths(request: Request): readonly PathRights[] {
  switch (request.op) {
    case "open":
      return [openPath(request)];
    case "stat":
      return [{ path: request.path, rights: RIGHT.stat }];
    case "list":
      return [{ path: request.path, rights: RIGHT.list }];
    case "mkdir":
    case "mknod":
    case "symlink":
      return [{ path: request.path, rights: RIGHT.create }];
    case "unlink":
      return [{ path: request.path, rights: RIGHT.delete }];
    case "rename":
      return renamePaths(request);
    case "link":
      return [
        { path: request.from, rights: RIGHT.read | RIGHT.write },
        { path: request.to, rights: RIGHT.create },
      ];
    case "chmod":
    case "chown":
    case "utimens":
    case "setxattr":
    case "removexattr":
      return [{ path: request.path, rights: RIGHT.metadata }];
    case "truncate":
      return [{ path: request.path, rights: RIGHT.write }];
    case "begin":
    case "commit":
    case "discard":
      return [{ path: request.path, rights: RIGHT.write | RIGHT.create }];
    case "exec":
      return [{ path: request.path, rights: RIGHT.execute | RIGHT.read }];
    case "connect-unix":
      return [{ path: request.path, rights: RIGHT.connect }];
    case "bind-unix":
      return [{ path: request.path, rights: RIGHT.create }];
    case "connect":
    case "bind":
    case "resolve":
    case "kill":
    case "ssh-sign":
    case "refused":
      return [];
  }
}

/**
 * An open with `directory` fails on anything else (ENOTDIR), so that what it can read are names: list, and not read. One
 * without access is a mere handle: stat.
 */
export function openRights(flags: number): number {
  if ((flags & OPEN.pathOnly) !== 0) return RIGHT.stat;
  let rights = 0;
  if ((flags & OPEN.directory) !== 0) rights |= RIGHT.list;
  else if ((flags & OPEN.read) !== 0) rights |= RIGHT.read;
  if ((flags & (OPEN.write | OPEN.append | OPEN.truncate)) !== 0) rights |= RIGHT.write;
  if ((flags & OPEN.create) !== 0) rights |= RIGHT.create | RIGHT.write;
  // No bit of access is what Linux calls O_RDONLY; an empty set would be granted by every policy.
  return rights === 0 ? RIGHT.read : rights;
}

function openPath({ path, flags }: OpenRequest): PathRights {
  if ((flags & OPEN.temporary) === 0 || (flags & OPEN.pathOnly) !== 0)
    return { path, rights: openRights(flags) };
  return { path: joinPath(path, TEMPORARY_NAME), rights: RIGHT.create | RIGHT.write };
}

function renamePaths({ from, to, existing }: RenameRequest): readonly PathRights[] {
  if (existing === "exchange") {
    const both = RIGHT.delete | RIGHT.create | RIGHT.write;
    return [
      { path: from, rights: both },
      { path: to, rights: both },
    ];
  }
  const replaced = existing === "replace" ? RIGHT.delete | RIGHT.write : 0;
  return [
    { path: from, rights: RIGHT.delete },
    { path: to, rights: RIGHT.create | replaced },
  ];
}
