import type {
  DenialLayer,
  FailureCode,
  Follow,
  MknodRequest,
  Op,
  RenameRequest,
  SetXattrRequest,
  Stat,
  UnlinkRequest,
  WireRequest,
} from "./message.ts";

/**
 * The numbers of the wire. A word travels as its place in its list, so a list only ever grows at its end; anything else is
 * a new PROTOCOL_VERSION. Operations and failures count from 1, because 0 is success.
 */
export const OPS: readonly WireRequest["op"][] = [
  "open",
  "stat",
  "list",
  "mkdir",
  "mknod",
  "unlink",
  "rename",
  "link",
  "symlink",
  "chmod",
  "chown",
  "utimens",
  "truncate",
  "setxattr",
  "removexattr",
  "exec",
  "begin",
  "commit",
  "discard",
  "connect",
  "bind",
  "resolve",
  "kill",
  "challenge",
  "present",
  "read-cells",
  "write-cells",
];

export const DENIAL_LAYERS: readonly DenialLayer[] = [
  "profile",
  "protected",
  "capability",
  "limit",
  "breaker",
  "execution",
  "network",
  "surface",
  "policy",
];

export const FAILURE_CODES: readonly FailureCode[] = [
  "DENIED",
  "INVALID",
  "PROTOCOL",
  "LIMIT",
  "BUSY",
  "UNSUPPORTED",
  "SETUP",
  "NOT_FOUND",
  "TIMEOUT",
  "GONE",
  "SYSTEM",
  "INTERNAL",
];

const INSIDE: readonly Op[] = ["refused", "connect-unix", "bind-unix", "ssh-sign"];
/** Operations that a denial can name; those inside the broker stand where the list of requests ended when they came. */
export const DENIED_OPS: readonly Op[] = [
  ...OPS.slice(0, 16),
  ...INSIDE,
  ...OPS.slice(16, 27),
  "gpg-sign",
  ...OPS.slice(27),
];
export const FOLLOW: readonly Follow[] = ["follow", "nofollow"];
export const MKNOD_KINDS: readonly MknodRequest["kind"][] = ["file", "fifo"];
export const UNLINK_KINDS: readonly UnlinkRequest["kind"][] = ["file", "directory"];
export const RENAME_EXISTING: readonly RenameRequest["existing"][] = ["replace", "refuse", "exchange"];
export const XATTR_EXISTING: readonly SetXattrRequest["existing"][] = ["any", "create", "replace"];
/** A time is one of these, or [seconds, nanoseconds]. */
export const TIME_WORDS: readonly ("now" | "keep")[] = ["now", "keep"];
export const STAT_KINDS: readonly Stat["kind"][] = [
  "file",
  "directory",
  "symlink",
  "fifo",
  "socket",
  "device",
];

/** First entry of the value of a successful reply that is not nil. */
export const VALUE = {
  stat: 0,
  names: 1,
  pid: 2,
  transaction: 3,
  challenge: 4,
  handle: 5,
  cells: 6,
} as const;
