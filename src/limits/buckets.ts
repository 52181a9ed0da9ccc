import { OPEN, type Request } from "../protocol/message.ts";
import { type Level, makeLevel } from "./gcra.ts";

/** Kinds of operation that have a rate of their own. */
export type LimitClass = "read" | "write" | "delete" | "metadata" | "exec" | "connect" | "transfer";
export type Rate = { readonly perSecond: number; readonly burst: number };
export type Rates = { readonly [kind in LimitClass]: Rate };
export type Buckets = { readonly [kind in LimitClass]: Level };

/**
 * Rates of one run. Each is several times what `npm ci`, `git clone` or a parallel build reach, and low enough that a loop
 * gone wrong neither fills the disk nor the journal before somebody looks.
 */
export const DEFAULT_RATES: Rates = {
  read: { perSecond: 100_000, burst: 200_000 },
  write: { perSecond: 20_000, burst: 50_000 },
  delete: { perSecond: 10_000, burst: 20_000 },
  metadata: { perSecond: 20_000, burst: 50_000 },
  exec: { perSecond: 50, burst: 200 },
  connect: { perSecond: 100, burst: 500 },
  /** KiB, both ways together. */
  transfer: { perSecond: 4_194_304, burst: 8_388_608 },
};

/** Full buckets of one owner: an agent, a user, a tenant. The owner's word starts the names of the levels. */
export function makeBuckets(owner: string, rates: Rates = DEFAULT_RATES): Buckets {
  const level = (kind: LimitClass) => makeLevel(`${owner}.${kind}`, rates[kind].perSecond, rates[kind].burst);
  return {
    read: level("read"),
    write: level("write"),
    delete: level("delete"),
    metadata: level("metadata"),
    exec: level("exec"),
    connect: level("connect"),
    transfer: level("transfer"),
  };
}

/** The bucket that pays. A rename takes a name away, so it is a delete; what is refused anyway counts as a read. */
export function limitClass(request: Request): LimitClass {
  switch (request.op) {
    case "open": {
      const writes = OPEN.write | OPEN.append | OPEN.create | OPEN.truncate | OPEN.temporary;
      return (request.flags & writes) !== 0 ? "write" : "read";
    }
    case "stat":
    case "list":
    case "connect-unix":
    case "resolve":
    case "kill":
    case "refused":
      return "read";
    case "connect":
    case "bind":
      return "connect";
    case "begin":
    case "commit":
    case "discard":
    case "mkdir":
    case "bind-unix":
    case "mknod":
    case "link":
    case "symlink":
    case "truncate":
      return "write";
    case "unlink":
    case "rename":
      return "delete";
    case "chmod":
    case "chown":
    case "utimens":
    case "setxattr":
    case "removexattr":
      return "metadata";
    case "exec":
    case "ssh-sign":
      return "exec";
  }
}
