import { Packr } from "msgpackr/pack";
import { SallyportError } from "./errors.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";
import { type Denial, PROTOCOL_VERSION, type Reply, type ReplyValue, type WireRequest } from "./message.ts";
import { utf8Bytes } from "./path.ts";
import { scanFrame } from "./scan.ts";
import {
  DENIAL_LAYERS,
  DENIED_OPS,
  FAILURE_CODES,
  FOLLOW,
  MKNOD_KINDS,
  OPS,
  RENAME_EXISTING,
  STAT_KINDS,
  TIME_WORDS,
  UNLINK_KINDS,
  VALUE,
  XATTR_EXISTING,
} from "./wire.ts";

/** A frame is one msgpack array in fixed positions; docs/protocol.md has the table, parse.ts reads it back. */

// Never exported: its options are what keeps records out. int64AsType: an integer above 2^53 must arrive as a number that
// is no safe integer, so that the parser refuses it, and not as a bigint that nobody expects.
const msgpack = new Packr({
  useRecords: false,
  moreTypes: false,
  bundleStrings: false,
  int64AsType: "number",
  copyBuffers: true,
});

/** First frame of a client. */
export function encodeHello(version: number = PROTOCOL_VERSION): Uint8Array {
  return encode(["sallyport", version]);
}

export function encodeHelloReply(runId: string, profileName: string): Uint8Array {
  return encode(["sallyport", PROTOCOL_VERSION, text(runId), text(profileName)]);
}

/** `id` is an unsigned 32-bit number that the reply repeats. Throws INVALID for text without UTF-8, LIMIT above a frame. */
export function encodeRequest(id: number, request: WireRequest): Uint8Array {
  return encode([id, OPS.indexOf(request.op) + 1, ...requestFields(request)]);
}

/** Throws LIMIT when the reply does not fit in one frame. */
export function encodeReply(id: number, reply: Reply): Uint8Array {
  if (reply.ok) return encode([id, 0, valueFields(reply.value)]);
  const denial = reply.denial === undefined ? null : denialFields(reply.denial);
  return encode([id, FAILURE_CODES.indexOf(reply.code) + 1, reply.errno, text(reply.message), denial]);
}

/** Bytes of one frame to arrays, numbers, strings, nulls and byte arrays of its own. Throws PROTOCOL, nothing else. */
export function decode(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_FRAME_BYTES) {
    throw new SallyportError(
      "PROTOCOL",
      `Cannot decode frame: ${bytes.length} bytes, at most ${MAX_FRAME_BYTES}`,
    );
  }
  scanFrame(bytes);
  try {
    return msgpack.unpack(bytes);
  } catch (cause) {
    throw new SallyportError("PROTOCOL", "Cannot decode frame: msgpack refuses it", { cause });
  }
}

function encode(frame: readonly unknown[]): Uint8Array {
  const bytes = msgpack.pack(frame);
  if (bytes.length <= MAX_FRAME_BYTES) return bytes;
  throw new SallyportError("LIMIT", `Cannot send frame: ${bytes.length} bytes, at most ${MAX_FRAME_BYTES}`, {
    errno: "EMSGSIZE",
  });
}

function requestFields(request: WireRequest): readonly unknown[] {
  switch (request.op) {
    case "open":
      return [text(request.path), request.flags, request.mode];
    case "stat":
      return [text(request.path), FOLLOW.indexOf(request.follow)];
    case "list":
      return [text(request.path)];
    case "mkdir":
      return [text(request.path), request.mode];
    case "mknod":
      return [text(request.path), MKNOD_KINDS.indexOf(request.kind), request.mode];
    case "unlink":
      return [text(request.path), UNLINK_KINDS.indexOf(request.kind)];
    case "rename":
      return [text(request.from), text(request.to), RENAME_EXISTING.indexOf(request.existing)];
    case "link":
      return [text(request.from), text(request.to), FOLLOW.indexOf(request.follow)];
    case "symlink":
      return [text(request.target), text(request.path)];
    case "chmod":
      return [text(request.path), request.mode, FOLLOW.indexOf(request.follow)];
    case "chown":
      return [text(request.path), request.uid, request.gid, FOLLOW.indexOf(request.follow)];
    case "utimens": {
      const { path, accessed, modified, follow } = request;
      return [text(path), timeField(accessed), timeField(modified), FOLLOW.indexOf(follow)];
    }
    case "truncate":
      return [text(request.path), request.sizeBytes];
    case "setxattr": {
      const { path, name, value, existing, follow } = request;
      return [text(path), text(name), value, XATTR_EXISTING.indexOf(existing), FOLLOW.indexOf(follow)];
    }
    case "removexattr":
      return [text(request.path), text(request.name), FOLLOW.indexOf(request.follow)];
    case "exec":
      return [text(request.path), request.argv.map(text), request.env.map(text), text(request.cwd)];
    case "begin":
      return [text(request.path), request.mode];
    case "commit":
    case "discard":
      return [text(request.path), request.transaction];
    case "connect":
      return [text(request.host), request.port];
    case "bind":
      return [request.port];
    case "resolve":
      return [text(request.host)];
    case "kill":
      return [request.pid, request.signal];
  }
}

/** Nanoseconds as [seconds, 0 to 999999999], as struct timespec has them; before 1970 the seconds are negative. */
function timeField(time: bigint | "now" | "keep"): unknown {
  if (typeof time !== "bigint") return TIME_WORDS.indexOf(time);
  const nanoseconds = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return [Number((time - nanoseconds) / 1_000_000_000n), Number(nanoseconds)];
}

function valueFields(value: ReplyValue): unknown {
  if (value === null) return null;
  if (isNames(value)) return [VALUE.names, value.map(text)];
  if ("pid" in value) return [VALUE.pid, value.pid];
  if ("transaction" in value) return [VALUE.transaction, value.transaction];
  const { kind, mode, uid, gid, sizeBytes, linkCount, modifiedMs, inode, device } = value;
  return [
    VALUE.stat,
    STAT_KINDS.indexOf(kind),
    mode,
    uid,
    gid,
    sizeBytes,
    linkCount,
    modifiedMs,
    inode,
    device,
  ];
}

// Array.isArray does not narrow a readonly array out of a union.
function isNames(value: object): value is readonly string[] {
  return Array.isArray(value);
}

function denialFields(denial: Denial): readonly unknown[] {
  const { op, path, rule, reason, nextSteps, layer, allowedRoots, retry, retryAfterMs } = denial;
  return [
    DENIED_OPS.indexOf(op),
    text(path),
    text(rule),
    text(reason),
    nextSteps.map(text),
    DENIAL_LAYERS.indexOf(layer),
    allowedRoots.map(text),
    retry === "later" ? 1 : 0,
    retryAfterMs,
  ];
}

// A lone surrogate would be replaced on the way out and then name another file than the caller asked for.
function text(value: string): string {
  if (utf8Bytes(value) !== -1) return value;
  throw new SallyportError("INVALID", "Cannot send text with a lone surrogate: it has no UTF-8", {
    expected: "UTF-8",
  });
}
