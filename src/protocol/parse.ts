import { SallyportError } from "./errors.ts";
import * as field from "./field.ts";
import {
  MAX_FRAME_BYTES,
  MAX_HOST_BYTES,
  MAX_ID,
  MAX_MODE,
  MAX_PID,
  MAX_PORT,
  MAX_SIGNAL,
  MAX_STRINGS,
  MAX_UID,
  MAX_XATTR_NAME_BYTES,
} from "./limits.ts";
import { type Follow, OPEN, OPEN_ALL, PROTOCOL_VERSION, type WireRequest } from "./message.ts";
import {
  FOLLOW,
  MKNOD_KINDS,
  OPS,
  RENAME_EXISTING,
  TIME_WORDS,
  UNLINK_KINDS,
  XATTR_EXISTING,
} from "./wire.ts";

export type NumberedRequest = { readonly id: number; readonly request: WireRequest };

/** Fields of each operation, in their places behind id and operation number. */
const FIELDS: { readonly [op in WireRequest["op"]]: number } = {
  open: 3,
  stat: 2,
  list: 1,
  mkdir: 2,
  mknod: 3,
  unlink: 2,
  rename: 3,
  link: 3,
  symlink: 2,
  chmod: 3,
  chown: 4,
  utimens: 4,
  truncate: 2,
  setxattr: 5,
  removexattr: 3,
  exec: 4,
  begin: 2,
  commit: 2,
  discard: 2,
  connect: 2,
  bind: 1,
  resolve: 1,
  kill: 2,
};

// Far beyond any file system; keeps the sum of nanoseconds within 64 bits, which is what the addon takes.
const MAX_SECONDS = 9_007_199_254;

/**
 * A decoded frame to a request that is safe to judge: every field known, of its type and in its range, every path
 * canonical, nothing left over. Throws INVALID with the field's name.
 */
export function parseRequest(frame: unknown): NumberedRequest {
  if (!Array.isArray(frame) || frame.length < 2) throw field.invalid("request", "request", frame, "an array");
  const entries: readonly unknown[] = frame;
  const id = field.integer("request", "id", entries[0], 0, MAX_ID);
  const op = OPS[field.integer("request", "op", entries[1], 1, OPS.length) - 1]!;
  field.tuple("request", op, entries, FIELDS[op] + 2);
  return { id, request: parseFields(op, entries[2], entries[3], entries[4], entries[5], entries[6]) };
}

/** The id of a frame that may be no request at all, to answer it with INVALID; undefined when it has none. */
export function parseRequestId(frame: unknown): number | undefined {
  const id: unknown = Array.isArray(frame) ? frame[0] : undefined;
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) <= MAX_ID ? (id as number) : undefined;
}

/** Gives the version. Throws PROTOCOL for another version, INVALID for anything that is no hello. */
export function parseHello(frame: unknown): number {
  const [magic, version] = field.tuple("hello", "hello", frame, 2);
  return parseVersion(magic, version);
}

export function parseHelloReply(frame: unknown): { readonly runId: string; readonly profileName: string } {
  const [magic, version, runId, profileName] = field.tuple("hello", "hello", frame, 4);
  parseVersion(magic, version);
  return {
    runId: field.text("hello", "runId", runId, 1, 255),
    profileName: field.text("hello", "profileName", profileName, 1, 255),
  };
}

function parseVersion(magic: unknown, version: unknown): number {
  if (magic !== "sallyport") throw field.invalid("hello", "magic", magic, '"sallyport"');
  const spoken = field.integer("hello", "version", version, 0, MAX_ID);
  if (spoken === PROTOCOL_VERSION) return spoken;
  throw new SallyportError(
    "PROTOCOL",
    `Cannot talk version ${spoken} of the protocol: only ${PROTOCOL_VERSION} is known`,
  );
}

function parseFields(
  op: WireRequest["op"],
  a: unknown,
  b: unknown,
  c: unknown,
  d: unknown,
  e: unknown,
): WireRequest {
  switch (op) {
    case "open":
      return { op, path: path("path", a), flags: openFlags(b), mode: mode(c) };
    case "stat":
      return { op, path: path("path", a), follow: follow(b) };
    case "list":
      return { op, path: path("path", a) };
    case "mkdir":
      return { op, path: path("path", a), mode: mode(b) };
    case "mknod":
      return {
        op,
        path: path("path", a),
        kind: field.word("request", "kind", b, MKNOD_KINDS),
        mode: mode(c),
      };
    case "unlink":
      return { op, path: path("path", a), kind: field.word("request", "kind", b, UNLINK_KINDS) };
    case "rename": {
      const existing = field.word("request", "existing", c, RENAME_EXISTING);
      return { op, from: path("from", a), to: path("to", b), existing };
    }
    case "link":
      return { op, from: path("from", a), to: path("to", b), follow: follow(c) };
    case "symlink":
      return { op, target: field.text("request", "target", a, 1, 4_095), path: path("path", b) };
    case "chmod":
      return { op, path: path("path", a), mode: mode(b), follow: follow(c) };
    case "chown":
      return { op, path: path("path", a), uid: owner("uid", b), gid: owner("gid", c), follow: follow(d) };
    case "utimens":
      return {
        op,
        path: path("path", a),
        accessed: time("accessed", b),
        modified: time("modified", c),
        follow: follow(d),
      };
    case "truncate": {
      const sizeBytes = field.integer("request", "sizeBytes", b, 0, Number.MAX_SAFE_INTEGER);
      return { op, path: path("path", a), sizeBytes };
    }
    case "setxattr": {
      const existing = field.word("request", "existing", d, XATTR_EXISTING);
      const value = field.bytes("request", "value", c);
      return { op, path: path("path", a), name: xattrName(b), value, existing, follow: follow(e) };
    }
    case "removexattr":
      return { op, path: path("path", a), name: xattrName(b), follow: follow(c) };
    case "exec": {
      const argv = field.texts("request", "argv", b, MAX_STRINGS, MAX_FRAME_BYTES);
      const env = field.texts("request", "env", c, MAX_STRINGS, MAX_FRAME_BYTES);
      return { op, path: path("path", a), argv, env, cwd: path("cwd", d) };
    }
    case "begin":
      return { op, path: path("path", a), mode: mode(b) };
    case "commit":
    case "discard":
      return {
        op,
        path: path("path", a),
        transaction: field.integer("request", "transaction", b, 1, MAX_ID),
      };
    case "connect":
      return { op, host: host(a), port: port(b) };
    case "bind":
      return { op, port: port(a) };
    case "resolve":
      return { op, host: host(a) };
    case "kill":
      return {
        op,
        pid: field.integer("request", "pid", a, 1, MAX_PID),
        signal: field.integer("request", "signal", b, 0, MAX_SIGNAL),
      };
  }
}

function path(name: string, value: unknown): string {
  return field.path("request", name, value);
}

/** What it names is for the policy of the network to say. */
function host(value: unknown): string {
  return field.text("request", "host", value, 1, MAX_HOST_BYTES);
}

function port(value: unknown): number {
  return field.integer("request", "port", value, 1, MAX_PORT);
}

function mode(value: unknown): number {
  return field.integer("request", "mode", value, 0, MAX_MODE);
}

function follow(value: unknown): Follow {
  return field.word("request", "follow", value, FOLLOW);
}

/** -1 leaves it. */
function owner(name: string, value: unknown): number {
  return field.integer("request", name, value, -1, MAX_UID);
}

function xattrName(value: unknown): string {
  return field.text("request", "name", value, 1, MAX_XATTR_NAME_BYTES);
}

function openFlags(value: unknown): number {
  const flags = field.integer("request", "flags", value, 0, OPEN_ALL);
  // Without any of these the request would ask for no right at all, and every rule set grants that.
  if ((flags & (OPEN.read | OPEN.write | OPEN.append | OPEN.directory)) !== 0) return flags;
  throw field.invalid("request", "flags", value, "read, write, append or directory among the flags");
}

function time(name: string, value: unknown): bigint | "now" | "keep" {
  if (typeof value === "number") return field.word("request", name, value, TIME_WORDS);
  const [seconds, nanoseconds] = field.tuple("request", name, value, 2);
  const whole = field.integer("request", `${name}[0]`, seconds, -MAX_SECONDS, MAX_SECONDS);
  return (
    BigInt(whole) * 1_000_000_000n +
    BigInt(field.integer("request", `${name}[1]`, nanoseconds, 0, 999_999_999))
  );
}
