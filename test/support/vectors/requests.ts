import { encodeHello, encodeRequest } from "../../../src/protocol/codec.ts";
import { OPEN, OPEN_ALL, type WireRequest } from "../../../src/protocol/message.ts";
import { SAMPLES } from "../docs/protocol_fields.ts";
import { float64 } from "./pack.ts";
import { accepted, fixstr, raw, type Vector } from "./vector.ts";

const long = (bytes: number): string => `/${"x".repeat(bytes - 1)}`;
const deep = `/${"d/".repeat(2047)}e`;

type Case = readonly [name: string, meaning: string, request: WireRequest, id?: number];

const OPENS: readonly Case[] = [
  ...Object.entries(OPEN)
    .filter(([, bit]) => (bit & OPEN_ALL) !== 0)
    .map(
      ([flag, bit]): Case => [
        `open-${flag}`,
        `the flag ${flag}`,
        {
          op: "open",
          path: "/w/a",
          flags: bit | (bit > 4 && flag !== "directory" ? OPEN.read : 0),
          mode: 0o644,
        },
      ],
    ),
  ["open-all-flags", "every flag at once", { op: "open", path: "/w/a", flags: OPEN_ALL, mode: 0o7777 }],
];

const PATHS: readonly Case[] = [
  ["path-root", "the root", { op: "stat", path: "/", follow: "follow" }],
  ["path-31", "a path of 31 bytes: the longest fixstr", { op: "list", path: long(31) }],
  ["path-32", "a path of 32 bytes: str 8", { op: "list", path: long(32) }],
  ["path-255", "a path of 255 bytes: the longest str 8", { op: "list", path: long(255) }],
  ["path-256", "a path of 256 bytes: str 16", { op: "list", path: long(256) }],
  ["path-4096", "the longest path", { op: "list", path: deep + "x".repeat(4096 - deep.length) }],
  ["path-dots", "names that begin with dots", { op: "list", path: "/w/.../..a/.b" }],
  ["path-accents", "two, three and four bytes a character", { op: "list", path: "/w/é/中/😀" }],
  ["path-accents-short", "16 characters, 32 bytes", { op: "list", path: `/${"é".repeat(15)}x` }],
  [
    "path-controls",
    "a backslash, a new line and a space are bytes like any other",
    { op: "list", path: "/w/\\ \n" },
  ],
];

const WORDS: readonly Case[] = [
  ["stat-nofollow", "nofollow", { op: "stat", path: "/w/a", follow: "nofollow" }],
  ["mknod-file", "a regular file", { op: "mknod", path: "/w/f", kind: "file", mode: 0o600 }],
  ["unlink-directory", "a directory", { op: "unlink", path: "/w/d", kind: "directory" }],
  [
    "rename-refuse",
    "no name may be replaced",
    { op: "rename", from: "/w/a", to: "/w/b", existing: "refuse" },
  ],
  ["rename-exchange", "both change places", { op: "rename", from: "/w/a", to: "/w/b", existing: "exchange" }],
  ["link-follow", "what the link names", { op: "link", from: "/w/a", to: "/w/b", follow: "follow" }],
  ["symlink-relative", "a target is stored as it is", { op: "symlink", target: "../../x//y/", path: "/w/l" }],
  ["symlink-long", "the longest target", { op: "symlink", target: "t".repeat(4095), path: "/w/l" }],
  ["setxattr-create", "create", { ...SAMPLES.setxattr, existing: "create", follow: "nofollow" }],
  ["setxattr-replace", "replace", { ...SAMPLES.setxattr, existing: "replace" }],
  ["removexattr-nofollow", "nofollow", { ...SAMPLES.removexattr, follow: "nofollow" }],
];

const NUMBERS: readonly Case[] = [
  ...[31, 32, 127, 128, 255, 256, 65_535, 65_536].map(
    (sizeBytes): Case => [
      `integer-${sizeBytes}`,
      `the integer ${sizeBytes}`,
      { op: "truncate", path: "/w", sizeBytes },
    ],
  ),
  ...[1, 32, 33, 128, 129, 32_768, 32_769, 2_147_483_648, 2_147_483_649].map(
    (seconds): Case => [
      `integer-minus-${seconds}`,
      `the integer -${seconds}`,
      {
        op: "utimens",
        path: "/w",
        accessed: "keep",
        modified: BigInt(-seconds) * 1_000_000_000n,
        follow: "follow",
      },
    ],
  ),
  [
    "connect-longest",
    "the longest host and the largest port",
    { op: "connect", host: "h".repeat(253), port: 65_535 },
  ],
  ["kill-0", "the signal 0", { op: "kill", pid: 4_194_304, signal: 0 }],
  ...[127, 128, 255, 256, 65_535, 65_536, 0xffff_ffff].map(
    (id): Case => [`id-${id}`, `the request id ${id}`, SAMPLES.list, id],
  ),
  ["id-0", "the request id 0", SAMPLES.list, 0],
  ["mode-0", "no permission", { op: "mkdir", path: "/w/d", mode: 0 }],
  ["mode-sticky", "all permission bits", { op: "mkdir", path: "/w/d", mode: 0o7777 }],
  ["chown-keep", "both ids stay", { op: "chown", path: "/w/a", uid: -1, gid: -1, follow: "nofollow" }],
  [
    "chown-largest",
    "the largest ids",
    { op: "chown", path: "/w/a", uid: 0xffff_fffe, gid: 0xffff_fffe, follow: "follow" },
  ],
  [
    "truncate-32-bits",
    "the largest integer of 32 bits",
    { op: "truncate", path: "/w/a", sizeBytes: 0xffff_ffff },
  ],
  [
    "truncate-33-bits",
    "from here on an integer is written as float 64",
    { op: "truncate", path: "/w/a", sizeBytes: 0x1_0000_0000 },
  ],
  [
    "truncate-53-bits",
    "the largest size",
    { op: "truncate", path: "/w/a", sizeBytes: Number.MAX_SAFE_INTEGER },
  ],
  ["commit-largest", "the largest transaction", { op: "commit", path: "/w/a", transaction: 0xffff_ffff }],
];

const time = (
  name: string,
  meaning: string,
  accessed: bigint | "now" | "keep",
  modified: bigint | "now" | "keep",
): Case => [
  `utimens-${name}`,
  meaning,
  { op: "utimens", path: "/w/a", accessed, modified, follow: "nofollow" },
];
const TIMES: readonly Case[] = [
  time("words", "now, and as it is", "now", "keep"),
  time("epoch", "the epoch", 0n, 1n),
  time("before-epoch", "half a second before the epoch is [-1, 500000000]", -500_000_000n, -1_000_000_000n),
  time(
    "far",
    "the largest and the smallest seconds",
    9_007_199_254_999_999_999n,
    -9_007_199_254_000_000_000n,
  ),
  time(
    "32-bits",
    "the seconds on either side of 32 bits",
    4_294_967_295_000_000_000n,
    4_294_967_296_000_000_000n,
  ),
  time(
    "negative",
    "the seconds on either side of 8, 16 and 32 negative bits",
    -128_000_000_000n,
    -2_147_483_649_000_000_000n,
  ),
];

const BULK: readonly Case[] = [
  ["setxattr-empty", "a value without bytes", { ...SAMPLES.setxattr, value: new Uint8Array(0) }],
  ["setxattr-255", "bin 8", { ...SAMPLES.setxattr, value: new Uint8Array(255).fill(0xc1) }],
  ["setxattr-256", "bin 16", { ...SAMPLES.setxattr, value: new Uint8Array(256) }],
  ["setxattr-name", "the longest name", { ...SAMPLES.setxattr, name: `user.${"n".repeat(250)}` }],
  ["setxattr-large", "almost a frame", { ...SAMPLES.setxattr, value: new Uint8Array(60_000).fill(1) }],
  ["exec-handle-0", "a program with a presented token", { ...SAMPLES.exec, handle: 0 }],
  ["exec-handle", "the largest handle", { ...SAMPLES.exec, handle: Number.MAX_SAFE_INTEGER }],
  ["present-no-proof", "a token without a key", { ...SAMPLES.present, proof: null }],
  ["present-long", "a long token", { ...SAMPLES.present, token: "t".repeat(10_000) }],
  [
    "write-cells-kinds",
    "a cell of every kind",
    {
      ...SAMPLES["write-cells"],
      values: [
        [null, true, false, "", "=1+1", "é"],
        [0, -1, 1.5, -32_769, 2 ** 32, 1e300],
      ],
    },
  ],
  ["exec-nothing", "no arguments and no environment", { ...SAMPLES.exec, argv: [], env: [] }],
  ["exec-15", "15 arguments: the longest fixarray", { ...SAMPLES.exec, argv: Array(15).fill("a") }],
  ["exec-16", "16 arguments: array 16", { ...SAMPLES.exec, argv: Array(16).fill("a"), env: ["A=", "B=b c"] }],
  ["exec-1024", "as many variables as there may be", { ...SAMPLES.exec, env: Array(1024).fill("A=1") }],
  ["exec-empty-argument", "an argument may be empty", { ...SAMPLES.exec, argv: ["", "-", "é\n"] }],
];

const CANONICAL: readonly Case[] = [
  ...Object.entries(SAMPLES).map(([op, request]): Case => [op, `${op}, as in docs/protocol.md`, request]),
  ...OPENS,
  ...PATHS,
  ...WORDS,
  ...NUMBERS,
  ...TIMES,
  ...BULK,
];

const other = (
  name: string,
  meaning: string,
  bytes: Uint8Array,
  id: number,
  message: WireRequest,
): Vector => ({
  ...accepted,
  name: `request-other-${name}`,
  kind: "request",
  meaning,
  encoding: "other",
  bytes,
  id,
  message,
});

const LIST: WireRequest = { op: "list", path: "/w" };
const TRUNCATE: WireRequest = { op: "truncate", path: "/w", sizeBytes: 5 };
const path = fixstr("/w");

/** Every request that the broker must take. */
export const REQUESTS: readonly Vector[] = [
  {
    ...accepted,
    name: "hello",
    kind: "hello",
    meaning: "the first frame of a client",
    encoding: "canonical",
    bytes: encodeHello(),
  },
  ...CANONICAL.map(
    ([name, meaning, message, id = 1]): Vector => ({
      ...accepted,
      name: `request-${name}`,
      kind: "request",
      meaning,
      encoding: "canonical",
      bytes: encodeRequest(id, message),
      id,
      message,
    }),
  ),
  other("array-16", "the frame as array 16", raw(0xdc, 0, 3, 1, 3, path), 1, LIST),
  other("array-32", "the frame as array 32", raw(0xdd, 0, 0, 0, 3, 1, 3, path), 1, LIST),
  other("str-8", "a short text as str 8", raw(0x93, 1, 3, 0xd9, 2, "/w"), 1, LIST),
  other("str-32", "a short text as str 32", raw(0x93, 1, 3, 0xdb, 0, 0, 0, 2, "/w"), 1, LIST),
  other("id-uint-64", "a small id as uint 64", raw(0x93, 0xcf, 0, 0, 0, 0, 0, 0, 0, 9, 3, path), 9, LIST),
  other("id-int-64", "a small id as int 64", raw(0x93, 0xd3, 0, 0, 0, 0, 0, 0, 0, 9, 3, path), 9, LIST),
  other("op-float", "an operation as float 64", raw(0x93, 1, float64(3), path), 1, LIST),
  other("size-int-8", "a size as int 8", raw(0x94, 1, 13, path, 0xd0, 5), 1, TRUNCATE),
  other("size-uint-16", "a size as uint 16", raw(0x94, 1, 13, path, 0xcd, 0, 5), 1, TRUNCATE),
  other(
    "binary-32",
    "a value as bin 32",
    raw(0x97, 1, 14, path, fixstr("user.a"), 0xc6, 0, 0, 0, 1, 1, 0, 0),
    1,
    {
      op: "setxattr",
      path: "/w",
      name: "user.a",
      value: Uint8Array.of(1),
      existing: "any",
      follow: "follow",
    },
  ),
];
