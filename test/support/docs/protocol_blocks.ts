import { encodeHello, encodeHelloReply, encodeReply, encodeRequest } from "../../../src/protocol/codec.ts";
import { FAILURES } from "../../../src/protocol/errors.ts";
import * as limits from "../../../src/protocol/limits.ts";
import { type FailureCode, OPEN, OPEN_ALL } from "../../../src/protocol/message.ts";
import { scanFrame } from "../../../src/protocol/scan.ts";
import * as wire from "../../../src/protocol/wire.ts";
import { type Blocks, code, codes, table } from "./blocks.ts";
import { REQUEST_FIELDS, SAMPLES } from "./protocol_fields.ts";

const LIMIT_MEANING: { readonly [name in keyof typeof limits]: string } = {
  MAX_FRAME_BYTES: "bytes of one frame, both ways",
  MAX_PATH_BYTES: "bytes of a path in UTF-8",
  MAX_XATTR_NAME_BYTES: "bytes of the name of an extended attribute",
  MAX_STRINGS: "entries of `argv`, and of `env`",
  MAX_LIST_ENTRIES: "names in one reply to `list`",
  MAX_TEXT_BYTES: "bytes of a message, a rule, a reason or a next step",
  MAX_NEXT_STEPS: "next steps of a denial",
  MAX_ALLOWED_ROOTS: "allowed roots of a denial",
  MAX_DEPTH: "arrays inside arrays",
  MAX_ARRAY_ENTRIES: "entries of any array",
  MAX_ID: "request id",
  MAX_MODE: "permission bits",
  MAX_UID: "user or group id",
  MAX_HOST_BYTES: "bytes of the name or address of a host",
  MAX_PORT: "port",
  MAX_PID: "process id",
  MAX_SIGNAL: "signal",
};

const FLAG_MEANING: { readonly [flag in keyof typeof OPEN]: string } = {
  read: "read",
  write: "write",
  append: "every write goes to the end (`O_APPEND`)",
  create: "make the file when it is missing (`O_CREAT`)",
  exclusive: "fail when it exists (`O_EXCL`)",
  truncate: "empty it (`O_TRUNC`)",
  directory: "fail on anything but a directory (`O_DIRECTORY`)",
  nofollow: "fail on a symbolic link (`O_NOFOLLOW`)",
  sync: "`O_SYNC`",
  nonblock: "`O_NONBLOCK`",
  temporary: "an unnamed file in the directory `path` (`O_TMPFILE`)",
  direct: "`O_DIRECT`",
  noatime: "`O_NOATIME`",
  pathOnly: "a handle without access (`O_PATH`)",
};

const CODE_MEANING: { readonly [code in FailureCode]: string } = {
  DENIED: "refused; the denial says by which rule",
  INVALID: "a field of the request is wrong; the message names it",
  PROTOCOL: "the two ends do not understand each other; the channel is closed",
  LIMIT: "the reply does not fit in a frame",
  BUSY: "too many requests wait",
  UNSUPPORTED: "not to be had here",
  SETUP: "a program could not be confined",
  NOT_FOUND: "the kernel said ENOENT",
  TIMEOUT: "the time was up",
  GONE: "the other end is gone",
  SYSTEM: "the kernel refused, with the errno given",
  INTERNAL: "a fault of the broker",
};

const FORMATS: readonly (readonly [low: number, high: number, name: string])[] = [
  [0x00, 0x7f, "positive fixint"],
  [0x80, 0x8f, "fixmap"],
  [0x90, 0x9f, "fixarray"],
  [0xa0, 0xbf, "fixstr"],
  [0xc0, 0xc0, "nil"],
  [0xc1, 0xc1, "never used"],
  [0xc2, 0xc3, "false, true"],
  [0xc4, 0xc6, "bin 8, 16, 32"],
  [0xc7, 0xc9, "ext 8, 16, 32"],
  [0xca, 0xca, "float 32"],
  [0xcb, 0xcb, "float 64"],
  [0xcc, 0xcf, "uint 8, 16, 32, 64"],
  [0xd0, 0xd3, "int 8, 16, 32, 64"],
  [0xd4, 0xd8, "fixext 1, 2, 4, 8, 16"],
  [0xd9, 0xdb, "str 8, 16, 32"],
  [0xdc, 0xdd, "array 16, 32"],
  [0xde, 0xdf, "map 16, 32"],
  [0xe0, 0xff, "negative fixint"],
];

/** Every block of docs/protocol.md. */
export const PROTOCOL_BLOCKS: Blocks = {
  "wire-limits": () =>
    table(
      ["name", "at most", "what"],
      Object.entries(limits).map(([name, value]) => [
        code(name),
        name === "MAX_MODE" ? `0o${value.toString(8)}` : value,
        LIMIT_MEANING[name as keyof typeof limits],
      ]),
    ),
  "wire-formats": () =>
    table(
      ["first byte", "msgpack", "in a frame"],
      FORMATS.map(([low, high, name]) => [
        low === high ? code(hex([low])) : `${code(hex([low]))} to ${code(hex([high]))}`,
        name,
        rangeIsAllowed(low, high) ? "yes" : "refused",
      ]),
    ),
  "wire-operations": () =>
    table(
      ["number", "operation", "fields"],
      wire.OPS.map((op, index) => [
        index + 1,
        code(op),
        REQUEST_FIELDS[op]
          .map(([name, type]) => (name === type ? code(name) : `${code(name)} (${type})`))
          .join(", "),
      ]),
    ),
  "wire-words": () => {
    const lists = {
      follow: wire.FOLLOW,
      "mknod kind": wire.MKNOD_KINDS,
      "unlink kind": wire.UNLINK_KINDS,
      "rename existing": wire.RENAME_EXISTING,
      "xattr existing": wire.XATTR_EXISTING,
      "time word": wire.TIME_WORDS,
      "stat kind": wire.STAT_KINDS,
      "denial layer": wire.DENIAL_LAYERS,
    };
    return table(
      ["word", "numbers"],
      Object.entries(lists).map(([name, words]) => [
        name,
        words.map((word, index) => `${index} ${code(word)}`).join(", "),
      ]),
    );
  },
  "open-flags": () =>
    table(
      ["bit", "flag", "meaning", "in a frame"],
      Object.entries(OPEN).map(([name, bit]) => [
        bit,
        code(name),
        FLAG_MEANING[name as keyof typeof OPEN],
        (bit & OPEN_ALL) !== 0 ? "yes" : "refused",
      ]),
    ),
  "failure-codes": () =>
    table(
      ["number", "code", "errno", "retry", "meaning"],
      wire.FAILURE_CODES.map((name, index) => [
        index + 1,
        code(name),
        FAILURES[name].errno,
        FAILURES[name].retry,
        CODE_MEANING[name],
      ]),
    ),
  "reply-values": () =>
    table(
      ["first entry", "rest of the array"],
      [
        [
          wire.VALUE.stat,
          "stat kind, mode, uid, gid, size in bytes, link count, modified (ms), inode, device",
        ],
        [wire.VALUE.names, "an array of names"],
        [wire.VALUE.pid, "a process id"],
        [wire.VALUE.transaction, "the number of a transaction"],
      ],
    ),
  "denied-ops": () =>
    codes(
      wire.DENIED_OPS.flatMap((op, at) =>
        at === wire.OPS.indexOf(op as (typeof wire.OPS)[number]) ? [] : [`${at} ${op}`],
      ),
    ),
  "wire-examples": () =>
    [
      example("hello of a client", encodeHello()),
      example("answer of the broker", encodeHelloReply("5f2c7b1a9e04", ":workspace")),
      example("request 1: open /w/a for reading", encodeRequest(1, SAMPLES.open)),
      example(
        "answer: done; the descriptor travels beside the frame",
        encodeReply(1, { ok: true, value: null }),
      ),
      example(
        "request 2: set the modification time of /w/a to 1.5 s, keep the other",
        encodeRequest(2, SAMPLES.utimens),
      ),
      example(
        "answer: denied",
        encodeReply(2, {
          ok: false,
          code: "DENIED",
          errno: "EACCES",
          message: "denied",
          denial: {
            op: "utimens",
            path: "/w/a",
            rule: "default-deny",
            reason: "no rule",
            nextSteps: [],
            layer: "profile",
            allowedRoots: ["/x"],
            retry: "never",
            retryAfterMs: null,
          },
        }),
      ),
    ].join("\n"),
};

function rangeIsAllowed(low: number, high: number): boolean {
  const verdicts = new Set<boolean>();
  for (let head = low; head <= high; head++) verdicts.add(isAllowed(head));
  if (verdicts.size !== 1)
    throw new Error(`Cannot describe ${low} to ${high}: the scanner treats them apart`);
  return verdicts.has(true);
}

/** A type that is not allowed is refused for that and for nothing else. */
function isAllowed(head: number): boolean {
  try {
    scanFrame(Uint8Array.of(head));
    return true;
  } catch (error) {
    return !(error as Error).message.includes("is not allowed");
  }
}

function hex(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function example(title: string, bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    const text = [...part].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."));
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex(part).padEnd(47)}  ${text.join("")}`);
  }
  return `${title}\n\n\`\`\`text\n${lines.join("\n")}\n\`\`\`\n`;
}
