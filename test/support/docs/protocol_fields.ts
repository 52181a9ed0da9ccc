import type { Request, WireRequest } from "../../../src/protocol/message.ts";

/** What a field holds: the word of docs/protocol.md, section "Field types". */
export type FieldType =
  | "path"
  | "flags"
  | "mode"
  | "follow"
  | "mknod kind"
  | "unlink kind"
  | "rename existing"
  | "xattr existing"
  | "link target"
  | "owner"
  | "time"
  | "size"
  | "xattr name"
  | "xattr value"
  | "strings"
  | "transaction"
  | "host"
  | "port"
  | "pid"
  | "signal";

export type Field = readonly [name: string, type: FieldType];

/** The fields behind id and operation, in their places. docs.test.ts proves it against the parser. */
export const REQUEST_FIELDS: { readonly [op in WireRequest["op"]]: readonly Field[] } = {
  open: [
    ["path", "path"],
    ["flags", "flags"],
    ["mode", "mode"],
  ],
  stat: [
    ["path", "path"],
    ["follow", "follow"],
  ],
  list: [["path", "path"]],
  mkdir: [
    ["path", "path"],
    ["mode", "mode"],
  ],
  mknod: [
    ["path", "path"],
    ["kind", "mknod kind"],
    ["mode", "mode"],
  ],
  unlink: [
    ["path", "path"],
    ["kind", "unlink kind"],
  ],
  rename: [
    ["from", "path"],
    ["to", "path"],
    ["existing", "rename existing"],
  ],
  link: [
    ["from", "path"],
    ["to", "path"],
    ["follow", "follow"],
  ],
  symlink: [
    ["target", "link target"],
    ["path", "path"],
  ],
  chmod: [
    ["path", "path"],
    ["mode", "mode"],
    ["follow", "follow"],
  ],
  chown: [
    ["path", "path"],
    ["uid", "owner"],
    ["gid", "owner"],
    ["follow", "follow"],
  ],
  utimens: [
    ["path", "path"],
    ["accessed", "time"],
    ["modified", "time"],
    ["follow", "follow"],
  ],
  truncate: [
    ["path", "path"],
    ["sizeBytes", "size"],
  ],
  setxattr: [
    ["path", "path"],
    ["name", "xattr name"],
    ["value", "xattr value"],
    ["existing", "xattr existing"],
    ["follow", "follow"],
  ],
  removexattr: [
    ["path", "path"],
    ["name", "xattr name"],
    ["follow", "follow"],
  ],
  exec: [
    ["path", "path"],
    ["argv", "strings"],
    ["env", "strings"],
    ["cwd", "path"],
  ],
  begin: [
    ["path", "path"],
    ["mode", "mode"],
  ],
  commit: [
    ["path", "path"],
    ["transaction", "transaction"],
  ],
  discard: [
    ["path", "path"],
    ["transaction", "transaction"],
  ],
  connect: [
    ["host", "host"],
    ["port", "port"],
  ],
  bind: [["port", "port"]],
  resolve: [["host", "host"]],
  kill: [
    ["pid", "pid"],
    ["signal", "signal"],
  ],
};

/** One request of each kind, for the examples and for the proof of the table. */
export const SAMPLES: { readonly [op in WireRequest["op"]]: Extract<Request, { op: op }> } = {
  open: { op: "open", path: "/w/a", flags: 1, mode: 0 },
  stat: { op: "stat", path: "/w/a", follow: "follow" },
  list: { op: "list", path: "/w" },
  mkdir: { op: "mkdir", path: "/w/d", mode: 0o755 },
  mknod: { op: "mknod", path: "/w/f", kind: "fifo", mode: 0o600 },
  unlink: { op: "unlink", path: "/w/a", kind: "file" },
  rename: { op: "rename", from: "/w/a", to: "/w/b", existing: "replace" },
  link: { op: "link", from: "/w/a", to: "/w/b", follow: "nofollow" },
  symlink: { op: "symlink", target: "a", path: "/w/l" },
  chmod: { op: "chmod", path: "/w/a", mode: 0o644, follow: "follow" },
  chown: { op: "chown", path: "/w/a", uid: -1, gid: 100, follow: "follow" },
  utimens: { op: "utimens", path: "/w/a", accessed: "keep", modified: 1_500_000_000n, follow: "follow" },
  truncate: { op: "truncate", path: "/w/a", sizeBytes: 0 },
  setxattr: {
    op: "setxattr",
    path: "/w/a",
    name: "user.a",
    value: Uint8Array.of(1),
    existing: "any",
    follow: "follow",
  },
  removexattr: { op: "removexattr", path: "/w/a", name: "user.a", follow: "follow" },
  exec: { op: "exec", path: "/usr/bin/wc", argv: ["wc"], env: [], cwd: "/w" },
  begin: { op: "begin", path: "/w/a", mode: 0o644 },
  commit: { op: "commit", path: "/w/a", transaction: 1 },
  discard: { op: "discard", path: "/w/a", transaction: 1 },
  connect: { op: "connect", host: "example.org", port: 443 },
  bind: { op: "bind", port: 8080 },
  resolve: { op: "resolve", host: "example.org" },
  kill: { op: "kill", pid: 4321, signal: 15 },
};
