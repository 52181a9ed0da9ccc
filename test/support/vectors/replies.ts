import { encodeHelloReply, encodeReply } from "../../../src/protocol/codec.ts";
import { FAILURES } from "../../../src/protocol/errors.ts";
import type { Denial, Reply, Stat } from "../../../src/protocol/message.ts";
import { DENIAL_LAYERS, DENIED_OPS, FAILURE_CODES, STAT_KINDS } from "../../../src/protocol/wire.ts";
import { float64, pack } from "./pack.ts";
import { accepted, fixstr, invalid, protocol, raw, type Vector, type Verdict } from "./vector.ts";

const STAT: Stat = {
  kind: "file",
  mode: 0o100644,
  uid: 1000,
  gid: 100,
  sizeBytes: 5,
  linkCount: 1,
  modifiedMs: 1_700_000_000_123.25,
  inode: 77,
  device: 64_769,
};
const DENIAL: Denial = {
  op: "open",
  path: "/home/u/.ssh/id",
  rule: "secrets.home",
  reason: "It holds a key",
  nextSteps: ["Use a copy", "sallyport run --read /x"],
  layer: "protected",
  allowedRoots: ["/w", "/tmp/é"],
  retry: "never",
  retryAfterMs: null,
};
const denied = (denial: Denial): Reply => ({
  ok: false,
  code: "DENIED",
  errno: "EACCES",
  message: "denied: é",
  denial,
});
const done = (value: Extract<Reply, { ok: true }>["value"]): Reply => ({ ok: true, value });

type Case = readonly [name: string, meaning: string, reply: Reply];
const REPLIES: readonly Case[] = [
  ["done", "success; a descriptor may travel beside it", done(null)],
  ...STAT_KINDS.map((kind): Case => [`stat-${kind}`, `stat of a ${kind}`, done({ ...STAT, kind })]),
  [
    "stat-largest",
    "the largest figures",
    done({
      ...STAT,
      uid: 0xffff_ffff,
      gid: 0xffff_ffff,
      sizeBytes: Number.MAX_SAFE_INTEGER,
      linkCount: 0xffff_ffff,
      inode: 2 ** 63,
      device: 2 ** 60,
    }),
  ],
  ["stat-before-epoch", "a time before the epoch", done({ ...STAT, modifiedMs: -0.5 })],
  ["names-none", "an empty directory", done([])],
  ["names", "names, one of them long, one not in ASCII", done(["a", "n".repeat(255), "中😀", " \n"])],
  ["names-1000", "a thousand names", done(Array.from({ length: 1000 }, (_, at) => `name-${at}`))],
  ["pid", "a program was started", done({ pid: 4_194_303 })],
  ["transaction", "a transaction has begun", done({ transaction: 0xffff_ffff })],
  [
    "challenge",
    "what a proof is to be made for",
    done({ nonce: "n".repeat(255), channel: "c", audience: "run:é" }),
  ],
  ["handle", "a token was taken", done({ handle: 0 })],
  ["handle-largest", "the largest handle", done({ handle: Number.MAX_SAFE_INTEGER })],
  ["cells-one", "one empty cell", done({ cells: [[null]] })],
  [
    "cells",
    "cells of every kind",
    done({
      cells: [
        [null, true, false],
        ["", "中😀", "#REF!"],
        [0, -1.5, 2 ** 53],
      ],
    }),
  ],
  [
    "cells-4096",
    "as many cells as there may be",
    done({ cells: Array.from({ length: 1024 }, () => ["", 0, null, true]) }),
  ],
  ...FAILURE_CODES.map(
    (code): Case => [
      `failure-${code.toLowerCase()}`,
      `the failure ${code} without a denial`,
      { ok: false, code, errno: FAILURES[code].errno, message: `what ${code} says` },
    ],
  ),
  [
    "failure-errno",
    "an errno of the kernel",
    { ok: false, code: "SYSTEM", errno: "ENOTEMPTY", message: "ENOTEMPTY" },
  ],
  [
    "failure-no-text",
    "a failure without a message",
    { ok: false, code: "SYSTEM", errno: "ELOOP", message: "" },
  ],
  ...DENIED_OPS.map((op): Case => [`denied-${op}`, `${op} was denied`, denied({ ...DENIAL, op })]),
  [
    "denied-eperm",
    "denied with another errno",
    { ok: false, code: "DENIED", errno: "EPERM", message: "denied", denial: DENIAL },
  ],
  [
    "denied-empty",
    "a denial that says as little as it may",
    denied({ ...DENIAL, op: "refused", path: "", rule: "r", reason: "", nextSteps: [], allowedRoots: [] }),
  ],
  ...DENIAL_LAYERS.map(
    (layer): Case => [`denied-by-${layer}`, `denied by the layer ${layer}`, denied({ ...DENIAL, layer })],
  ),
  ["denied-later", "to be tried again", denied({ ...DENIAL, layer: "limit", retry: "later" })],
  [
    "denied-later-in",
    "to be tried again in a while",
    denied({ ...DENIAL, retry: "later", retryAfterMs: 90_000 }),
  ],
  ["denied-16-roots", "as many allowed roots", denied({ ...DENIAL, allowedRoots: Array(16).fill("/r") })],
  [
    "denied-16-steps",
    "as many next steps as there may be",
    denied({ ...DENIAL, nextSteps: Array(16).fill("step") }),
  ],
  [
    "denied-long",
    "the longest texts",
    denied({ ...DENIAL, path: `/${"p".repeat(4095)}`, rule: "r".repeat(4096), reason: "s".repeat(4096) }),
  ],
];

const other = (name: string, meaning: string, bytes: Uint8Array, message: Reply): Vector => ({
  ...accepted,
  name: `reply-other-${name}`,
  kind: "reply",
  meaning,
  encoding: "other",
  bytes,
  id: 1,
  message,
});
const bad = (name: string, meaning: string, verdict: Verdict, bytes: Uint8Array): Vector => ({
  ...verdict,
  name: `reply-refused-${name}`,
  kind: "reply",
  meaning,
  encoding: "hostile",
  bytes,
});
const wrong = (name: string, meaning: string, field: string, frame: unknown): Vector =>
  bad(name, meaning, invalid(field), pack(frame));
const broken = (name: string, meaning: string, ...parts: readonly (number | string | Uint8Array)[]): Vector =>
  bad(name, meaning, protocol, raw(...parts));

const stat = (...changes: readonly (readonly [number, unknown])[]): unknown[] => {
  const value: unknown[] = [0, 0, 0o100644, 0, 0, 5, 1, 0, 1, 1];
  for (const [at, entry] of changes) value[at] = entry;
  return [1, 0, value];
};
const denial = (...entries: readonly unknown[]): unknown[] => {
  const later = [0, [], 0, null];
  return [1, 1, "EACCES", "no", entries.length === 5 ? [...entries, ...later] : entries];
};

const REFUSED: readonly Vector[] = [
  wrong("nil", "nil in place of an array", "reply", null),
  wrong("short", "no value", "reply", [1, 0]),
  wrong("long", "an entry behind the value", "reply", [1, 0, null, null]),
  wrong("failure-short", "a failure without its denial", "reply", [1, 1, "EACCES", "no"]),
  wrong("status-13", "a failure code beyond the list", "status", [1, 13, "EACCES", "no", null]),
  wrong("status-negative", "a negative status", "status", [1, -1, null]),
  wrong("value-text", "a value that is text", "value", [1, 0, "x"]),
  wrong("value-empty", "an empty value", "value[0]", [1, 0, []]),
  wrong("value-7", "a value beyond the list", "value[0]", [1, 0, [7, 1]]),
  wrong("value-long", "a pid and more", "value", [1, 0, [2, 1, 1]]),
  wrong("pid-0", "the pid 0", "pid", [1, 0, [2, 0]]),
  wrong("pid-2-31", "a pid of 2^31", "pid", [1, 0, [2, 2 ** 31]]),
  wrong("challenge-short", "a challenge of two parts", "value", [1, 0, [4, "n", "c"]]),
  wrong("challenge-empty", "an empty nonce", "nonce", [1, 0, [4, "", "c", "a"]]),
  wrong("challenge-long", "a nonce of 256 bytes", "nonce", [1, 0, [4, "n".repeat(256), "c", "a"]]),
  wrong("handle-negative", "a handle below 0", "handle", [1, 0, [5, -1]]),
  wrong("handle-text", "a handle as text", "handle", [1, 0, [5, "1"]]),
  wrong("cells-none", "no rows", "values", [1, 0, [6, []]]),
  wrong("cells-empty-row", "a row without cells", "values", [1, 0, [6, [[]]]]),
  wrong("cells-uneven", "rows of different length", "values[1]", [1, 0, [6, [[1, 2], [1]]]]),
  wrong("cells-boolean-2", "a boolean that is 2", "values[0][0]", [1, 0, [6, [[Uint8Array.of(2)]]]]),
  wrong("cells-boolean-long", "a boolean of two bytes", "values[0][0]", [1, 0, [6, [[Uint8Array.of(1, 1)]]]]),
  wrong("cells-nul", "a text with NUL", "values[0][0]", [1, 0, [6, [["a\0"]]]]),
  wrong("cells-long-text", "a text of 32768 bytes", "values[0][0]", [1, 0, [6, [["x".repeat(32_768)]]]]),
  wrong("cells-4097", "a cell too many", "values", [1, 0, [6, [Array.from({ length: 4097 }, () => 0)]]]),
  wrong("transaction-0", "the transaction 0", "transaction", [1, 0, [3, 0]]),
  wrong("stat-short", "a stat with nine entries", "value", [1, 0, [0, 0, 0, 0, 0, 0, 1, 0, 1]]),
  wrong("stat-kind", "a kind beyond the list", "kind", stat([1, 6])),
  wrong("stat-mode", "a mode of 2^16", "mode", stat([2, 65_536])),
  wrong("stat-size", "a negative size", "sizeBytes", stat([5, -1])),
  wrong("stat-time", "a time that is no number", "modifiedMs", stat([7, Number.NaN])),
  wrong("stat-time-text", "a time that is text", "modifiedMs", stat([7, "now"])),
  wrong("names-nul", "a name with NUL", "names[1]", [1, 0, [1, ["a", "b\0c"]]]),
  wrong("names-number", "a name that is a number", "names[0]", [1, 0, [1, [1]]]),
  wrong("errno-lower", "an errno in small letters", "errno", [1, 1, "eacces", "no", null]),
  wrong("errno-empty", "no errno", "errno", [1, 1, "", "no", null]),
  wrong("errno-number", "an errno by its number", "errno", [1, 1, 13, "no", null]),
  wrong("message-4097", "a message that is too long", "message", [1, 1, "EACCES", "m".repeat(4097), null]),
  wrong("message-nul", "a message with NUL", "message", [1, 1, "EACCES", "a\0b", null]),
  wrong("denial-text", "a denial that is text", "denial", [1, 1, "EACCES", "no", "denied"]),
  wrong("denial-short", "a denial of four entries", "denial", denial(0, "/w", "r", "s")),
  wrong("denial-op", "an operation beyond the list", "denial.op", denial(200, "/w", "r", "s", [])),
  wrong("denial-no-rule", "a denial without a rule", "denial.rule", denial(0, "/w", "", "s", [])),
  wrong(
    "denial-17-steps",
    "a next step more than there may be",
    "denial.nextSteps",
    denial(0, "/w", "r", "s", Array(17).fill("x")),
  ),
  wrong(
    "denial-step-number",
    "a next step that is a number",
    "denial.nextSteps[0]",
    denial(0, "/w", "r", "s", [1]),
  ),
  wrong("denial-8", "a denial of eight entries", "denial", denial(0, "/w", "r", "s", [], 0, [], 0)),
  wrong("denial-10", "a denial of ten entries", "denial", denial(0, "/w", "r", "s", [], 0, [], 0, null, 0)),
  wrong(
    "denial-layer",
    "a layer beyond the list",
    "denial.layer",
    denial(0, "/w", "r", "s", [], 200, [], 0, null),
  ),
  wrong(
    "denial-17-roots",
    "an allowed root too many",
    "denial.allowedRoots",
    denial(0, "/w", "r", "s", [], 0, Array(17).fill("/"), 0, null),
  ),
  wrong(
    "denial-retry-2",
    "a retry beyond the list",
    "denial.retry",
    denial(0, "/w", "r", "s", [], 0, [], 2, null),
  ),
  wrong(
    "denial-wait",
    "a negative time to wait",
    "denial.retryAfterMs",
    denial(0, "/w", "r", "s", [], 0, [], 1, -1),
  ),
  broken("empty", "no bytes"),
  broken("cut", "cut short", 0x93, 1, 0),
  broken("byte-too-many", "a byte behind the end", 0x93, 1, 0, 0xc0, 0),
  broken("map", "a map", 0x81, fixstr("id"), 1),
  broken("bool", "true for success", 0x93, 1, 0xc3, 0xc0),
  broken("utf-8", "a message that is no UTF-8", 0x95, 1, 1, fixstr("EACCES"), 0xa1, 0xff, 0xc0),
  broken("depth-5", "arrays five deep", 0x91, 0x91, 0x91, 0x91, 0x91, 0xc0),
  broken("array-lie", "an array that is longer than the frame", 0x93, 1, 0, 0xdd, 0, 0, 0xff, 0xff),
];

/** Every answer of a broker: those that a client must understand, and those at which it must give up the channel. */
export const REPLY_VECTORS: readonly Vector[] = [
  {
    ...accepted,
    name: "hello-reply",
    kind: "hello-reply",
    meaning: "the answer to a hello",
    encoding: "canonical",
    bytes: encodeHelloReply("5f2c7b1a9e04", ":workspace"),
  },
  {
    ...invalid("runId"),
    name: "hello-reply-refused-run",
    kind: "hello-reply",
    meaning: "an empty run id",
    encoding: "hostile",
    bytes: pack(["sallyport", 1, "", "p"]),
  },
  {
    ...invalid("profileName"),
    name: "hello-reply-refused-profile",
    kind: "hello-reply",
    meaning: "a profile name of 256 bytes",
    encoding: "hostile",
    bytes: pack(["sallyport", 1, "r", "p".repeat(256)]),
  },
  {
    ...protocol,
    name: "hello-reply-refused-version",
    kind: "hello-reply",
    meaning: "another version",
    encoding: "hostile",
    bytes: pack(["sallyport", 2, "r", "p"]),
  },
  ...REPLIES.map(
    ([name, meaning, message]): Vector => ({
      ...accepted,
      name: `reply-${name}`,
      kind: "reply",
      meaning,
      encoding: "canonical",
      bytes: encodeReply(1, message),
      id: 1,
      message,
    }),
  ),
  other("str-8", "an errno as str 8", raw(0x95, 1, 8, 0xd9, 6, "ENOENT", 0xa0, 0xc0), {
    ok: false,
    code: "NOT_FOUND",
    errno: "ENOENT",
    message: "",
  }),
  other("pid-float", "a pid as float 64", raw(0x93, 1, 0, 0x92, 2, float64(7)), done({ pid: 7 })),
  other("array-32", "the frame as array 32", raw(0xdd, 0, 0, 0, 3, 1, 0, 0xc0), done(null)),
  ...REFUSED,
];
