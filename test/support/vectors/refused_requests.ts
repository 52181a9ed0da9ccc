import { decode, encodeRequest } from "../../../src/protocol/codec.ts";
import { REQUEST_FIELDS, SAMPLES } from "../docs/protocol_fields.ts";
import { float64, pack } from "./pack.ts";
import { fixstr, invalid, protocol, raw, type Vector, type Verdict } from "./vector.ts";

const bad = (
  kind: Vector["kind"],
  name: string,
  meaning: string,
  verdict: Verdict,
  bytes: Uint8Array,
): Vector => ({
  ...verdict,
  name: `${kind}-refused-${name}`,
  kind,
  meaning,
  encoding: "hostile",
  bytes,
});
const request = (name: string, meaning: string, field: string, frame: unknown): Vector =>
  bad("request", name, meaning, invalid(field), pack(frame));
const bytes = (name: string, meaning: string, ...parts: readonly (number | string | Uint8Array)[]): Vector =>
  bad("request", name, meaning, protocol, raw(...parts));

const FIELDS: readonly Vector[] = Object.entries(REQUEST_FIELDS).flatMap(([op, fields]) => {
  const frame = decode(encodeRequest(7, SAMPLES[op as keyof typeof SAMPLES])) as unknown[];
  return [
    ...fields.map(([name], place) =>
      request(`${op}-${name}`, `${op} with nil for ${name}`, name, frame.with(place + 2, null)),
    ),
    // Without a field there is none too few.
    ...(op === "challenge"
      ? []
      : [request(`${op}-short`, `${op} with a field too few`, op, frame.slice(0, -1))]),
    // The first one more of exec is its handle.
    request(`${op}-long`, `${op} with a field too many`, op, [...frame, ...(op === "exec" ? [1, 0] : [0])]),
  ];
});

const PATHS = {
  empty: "",
  relative: "w/a",
  "final-slash": "/w/",
  "double-slash": "/w//a",
  "double-slash-first": "//w",
  dot: "/w/./a",
  "dot-last": "/w/.",
  "dot-dot": "/w/../a",
  "dot-dot-last": "/w/..",
  nul: "/w/a\0b",
  4097: `/${"x".repeat(4096)}`,
  "4097-accents": `/${"é".repeat(2048)}`,
} as const;

const INTEGERS: readonly Vector[] = [
  request("open-no-access", "flags without read, write, append or directory", "flags", [1, 1, "/w/a", 8, 0]),
  request("open-path-only", "a flag that only a system call may carry", "flags", [1, 1, "/w/a", 8193, 0]),
  request("open-unknown-flag", "a flag beyond the list", "flags", [1, 1, "/w/a", 16_385, 0]),
  request("open-float-flags", "flags that are no integer", "flags", [1, 1, "/w/a", 1.5, 0]),
  request("mode-file-type", "a mode with a file type", "mode", [1, 1, "/w/a", 1, 0o100644]),
  request("mode-negative", "a negative mode", "mode", [1, 4, "/w/a", -1]),
  request("follow-2", "a word beyond its list", "follow", [1, 2, "/w/a", 2]),
  request("follow-minus-zero", "-0 is no integer", "follow", [1, 2, "/w/a", -0]),
  request("rename-3", "a word beyond its list", "existing", [1, 7, "/w/a", "/w/b", 3]),
  request("chown-minus-2", "an owner below -1", "uid", [1, 11, "/w/a", -2, -1, 0]),
  request("chown-too-large", "(uid_t)-1 as a positive number", "uid", [1, 11, "/w/a", 0xffff_ffff, -1, 0]),
  request("truncate-negative", "a negative size", "sizeBytes", [1, 13, "/w/a", -1]),
  request("truncate-2-53", "a size of 2^53", "sizeBytes", [1, 13, "/w/a", 2 ** 53]),
  bad(
    "request",
    "truncate-uint-64",
    "a size beyond 2^53 as uint 64",
    invalid("sizeBytes"),
    raw(0x94, 1, 13, fixstr("/w"), 0xcf, Buffer.alloc(8, 0xff)),
  ),
  request("truncate-infinity", "an infinite size", "sizeBytes", [1, 13, "/w/a", Number.POSITIVE_INFINITY]),
  request("truncate-nan", "a size that is no number", "sizeBytes", [1, 13, "/w/a", Number.NaN]),
  request("commit-0", "the transaction 0", "transaction", [1, 18, "/w/a", 0]),
  request("commit-2-32", "a transaction of 2^32", "transaction", [1, 18, "/w/a", 2 ** 32]),
  request("connect-port-0", "the port 0", "port", [1, 20, "h", 0]),
  request("connect-port-65536", "a port of 2^16", "port", [1, 20, "h", 65_536]),
  request("connect-empty", "no host", "host", [1, 20, "", 1]),
  request("resolve-254", "a host of 254 bytes", "host", [1, 22, "h".repeat(254)]),
  request("kill-0", "the pid 0", "pid", [1, 23, 0, 15]),
  request("kill-minus-1", "every process", "pid", [1, 23, -1, 15]),
  request("kill-65", "a signal beyond the list", "signal", [1, 23, 1, 65]),
  request("op-0", "the operation 0", "op", [1, 0, "/w/a"]),
  request("op-200", "an operation beyond the list", "op", [1, 200, "/w/a"]),
  request("op-text", "an operation by its name", "op", [1, "open", "/w/a", 1, 0]),
  request("id-negative", "a negative id", "id", [-1, 3, "/w"]),
  request("id-2-32", "an id of 2^32", "id", [2 ** 32, 3, "/w"]),
  request("id-text", "an id that is text", "id", ["1", 3, "/w"]),
];

const BULK: readonly Vector[] = [
  ...Object.entries(PATHS).map(([name, path]) =>
    request(`path-${name}`, `a path that is not canonical: ${name}`, "path", [1, 3, path]),
  ),
  request("symlink-empty", "an empty target", "target", [1, 9, "", "/w/l"]),
  request("symlink-4096", "a target of 4096 bytes", "target", [1, 9, "t".repeat(4096), "/w/l"]),
  request("symlink-nul", "a target with NUL", "target", [1, 9, "a\0b", "/w/l"]),
  request("xattr-no-name", "an attribute without a name", "name", [1, 15, "/w/a", "", 0]),
  request("xattr-256", "a name of 256 bytes", "name", [1, 15, "/w/a", `user.${"n".repeat(251)}`, 0]),
  request("xattr-text-value", "a value that is text", "value", [1, 14, "/w/a", "user.a", "x", 0, 0]),
  request("time-2", "a time word beyond its list", "accessed", [1, 12, "/w/a", 2, 0, 0]),
  request("time-3-entries", "a time of three entries", "modified", [1, 12, "/w/a", 0, [1, 2, 3], 0]),
  request("time-nanoseconds", "a whole second of nanoseconds", "modified[1]", [
    1,
    12,
    "/w/a",
    0,
    [1, 1_000_000_000],
    0,
  ]),
  request("time-seconds", "seconds beyond any file system", "accessed[0]", [
    1,
    12,
    "/w/a",
    [9_007_199_255, 0],
    0,
    0,
  ]),
  request("exec-argv-text", "argv as one text", "argv", [1, 16, "/bin/ls", "ls", [], "/w"]),
  request("exec-argv-nul", "an argument with NUL", "argv[1]", [1, 16, "/bin/ls", ["ls", "a\0b"], [], "/w"]),
  request("exec-argv-nested", "an argument that is an array", "argv[0]", [
    1,
    16,
    "/bin/ls",
    [["ls"]],
    [],
    "/w",
  ]),
  request("exec-1025", "a variable more than there may be", "env", [
    1,
    16,
    "/bin/ls",
    [],
    Array(1025).fill("A=1"),
    "/w",
  ]),
  request("exec-cwd-relative", "a relative working directory", "cwd", [1, 16, "/bin/ls", [], [], "w"]),
];

const SHAPES: readonly Vector[] = [
  request("empty-array", "an empty array", "request", []),
  request("id-only", "an id and nothing else", "request", [1]),
  request("nil", "nil in place of an array", "request", null),
  request("text", "text in place of an array", "request", "open"),
  request("hello-again", "a second hello", "id", ["sallyport", 1]),
];

const WHOLE = encodeRequest(7, SAMPLES.open);
const FRAMES: readonly Vector[] = [
  ...[1, 2, 4, WHOLE.length - 1].map((cut) =>
    bytes(`cut-${cut}`, `cut after ${cut} bytes`, WHOLE.subarray(0, cut)),
  ),
  bytes("byte-too-many", "a byte behind the end", WHOLE, 0),
  bytes("twice", "two messages in one frame", WHOLE, WHOLE),
  bytes("never-used", "the type that msgpack never uses", 0x93, 1, 3, 0xc1),
  bytes("false", "false", 0x94, 1, 2, fixstr("/w"), 0xc2),
  bytes("true", "true", 0x94, 1, 2, fixstr("/w"), 0xc3),
  bytes("float-32", "float 32", 0x94, 1, 2, fixstr("/w"), 0xca, 0, 0, 0, 0),
  bytes("map", "a map", 0x81, fixstr("op"), fixstr("open")),
  bytes("map-proto", "a map with the key __proto__", 0x81, fixstr("__proto__"), 0x80),
  bytes("map-32", "a map of four thousand million", 0xdf, 0xff, 0xff, 0xff, 0xff),
  bytes("ext-timestamp", "a timestamp", 0x93, 1, 3, 0xd6, 0xff, 0, 0, 0, 0),
  bytes("ext-record", "a record of msgpackr", 0x93, 1, 3, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61),
  bytes("ext-8", "ext 8", 0x93, 1, 3, 0xc7, 1, 0x42, 0),
  bytes("array-lie", "an array that is longer than the frame", 0xdd, 0xff, 0xff, 0xff, 0xff),
  bytes(
    "array-16385",
    "an array of more entries than any may have",
    0xdc,
    0x40,
    0x01,
    Buffer.alloc(16_385, 0xc0),
  ),
  bytes("text-lie", "a text that is longer than the frame", 0x93, 1, 3, 0xdb, 0x7f, 0xff, 0xff, 0xff),
  bytes("binary-lie", "binary that is longer than the frame", 0x93, 1, 3, 0xc6, 0xff, 0xff, 0xff, 0xff),
  bytes("depth-5", "arrays five deep", 0x91, 0x91, 0x91, 0x91, 0x91, 0xc0),
  bytes("utf-8-overlong", "an overlong slash", 0x93, 1, 3, 0xa3, "/", 0xc0, 0xaf),
  bytes("utf-8-surrogate", "a surrogate in UTF-8", 0x93, 1, 3, 0xa4, "/", 0xed, 0xa0, 0x80),
  bytes("utf-8-cut", "a character that is cut short", 0x93, 1, 3, 0xa3, "/", 0xe4, 0xb8),
  bytes("utf-8-beyond", "above U+10FFFF", 0x93, 1, 3, 0xa5, "/", 0xf4, 0x90, 0x80, 0x80),
  bytes("utf-8-lone", "a byte that only continues", 0x93, 1, 3, 0xa2, "/", 0x80),
  bytes("empty", "no bytes"),
];

const HELLOS: readonly Vector[] = [
  bad("hello", "version-2", "another version", protocol, pack(["sallyport", 2])),
  bad("hello", "magic", "another word", invalid("magic"), pack(["sallyporT", 1])),
  bad("hello", "long", "an entry too many", invalid("hello"), pack(["sallyport", 1, 1])),
  bad("hello", "request", "a request in its place", invalid("hello"), encodeRequest(1, SAMPLES.list)),
  bad("hello", "version-text", "a version that is text", invalid("version"), pack(["sallyport", "1"])),
  bad(
    "hello",
    "version-float",
    "a version that is no integer",
    invalid("version"),
    raw(0x92, fixstr("sallyport"), float64(1.5)),
  ),
];

/** Every frame of a client that the broker must refuse. */
export const REFUSED_REQUESTS: readonly Vector[] = [
  ...HELLOS,
  ...SHAPES,
  ...FIELDS,
  ...INTEGERS,
  ...BULK,
  ...FRAMES,
];
