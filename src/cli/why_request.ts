import { SallyportError } from "../protocol/errors.ts";
import { OPEN, type Request } from "../protocol/message.ts";

const ASKED: Readonly<Record<string, (path: string) => Request>> = {
  read: (path) => ({ op: "open", path, flags: OPEN.read, mode: 0 }),
  // As most programs write a file: the one that is missing they make.
  write: (path) => ({ op: "open", path, flags: OPEN.write | OPEN.create, mode: 0o666 }),
  create: (path) => ({ op: "open", path, flags: OPEN.write | OPEN.create | OPEN.exclusive, mode: 0o666 }),
  delete: (path) => ({ op: "unlink", path, kind: "file" }),
  list: (path) => ({ op: "list", path }),
  stat: (path) => ({ op: "stat", path, follow: "follow" }),
  metadata: (path) => ({ op: "chmod", path, mode: 0o644, follow: "follow" }),
};

/** The request that a program would make to do `op`; a run that is refused it is told the same. Throws INVALID for another word. */
export function requestFor(op: string, path: string): Request {
  const make = Object.hasOwn(ASKED, op) ? ASKED[op] : undefined;
  if (make !== undefined) return make(path);
  const known = [...Object.keys(ASKED), "execute", "exec", "connect"].join(", ");
  throw new SallyportError("INVALID", `Cannot explain --op "${op}": write one of ${known}`, { field: "op" });
}
