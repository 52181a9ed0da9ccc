import fc from "fast-check";
import { OPEN, OPEN_ALL, type WireRequest } from "../../src/protocol/message.ts";

const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((text) => !/[/\0]/.test(text) && text !== "." && text !== "..");
const path = fc.array(name, { maxLength: 6 }).map((names) => `/${names.join("/")}`);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).filter((t) => !t.includes("\0"));
// Words that decoders are known to treat apart: long enough for another string type, a byte order mark, a prototype.
const longText = fc.constantFrom("\ufeffmark", "__proto__", "x".repeat(300), "é".repeat(200), "");
const word = <Word extends string>(...words: Word[]) => fc.constantFrom(...words);
const follow = word("follow", "nofollow");
const mode = fc.integer({ min: 0, max: 0o7777 });
const uid = fc.integer({ min: -1, max: 0xffff_fffe });
const seconds = fc.bigInt({ min: -9_000_000_000_000_000_000n, max: 9_000_000_000_000_000_000n });
const time = fc.oneof(seconds, word("now", "keep"));
const access = OPEN.read | OPEN.write | OPEN.append | OPEN.directory;
const flags = fc.integer({ min: 1, max: OPEN_ALL }).filter((bits) => (bits & access) !== 0);
const strings = fc.array(fc.oneof(text, longText), { maxLength: 8 });
const xattr = fc.stringMatching(/^user\.[a-z]{1,20}$/);
const value = fc.uint8Array({ maxLength: 400 });
const host = fc.oneof(text, fc.domain(), fc.ipV4(), fc.ipV6());
const port = fc.integer({ min: 1, max: 65_535 });
const op = <Op extends string>(it: Op) => fc.constant(it);

/** Any request that the wire carries. */
export const request: fc.Arbitrary<WireRequest> = fc.oneof(
  fc.record({ op: op("open"), path, flags, mode }),
  fc.record({ op: op("stat"), path, follow }),
  fc.record({ op: op("list"), path }),
  fc.record({ op: op("mkdir"), path, mode }),
  fc.record({ op: op("mknod"), path, kind: word("file", "fifo"), mode }),
  fc.record({ op: op("unlink"), path, kind: word("file", "directory") }),
  fc.record({ op: op("rename"), from: path, to: path, existing: word("replace", "refuse", "exchange") }),
  fc.record({ op: op("link"), from: path, to: path, follow }),
  fc.record({ op: op("symlink"), target: text, path }),
  fc.record({ op: op("chmod"), path, mode, follow }),
  fc.record({ op: op("chown"), path, uid, gid: uid, follow }),
  fc.record({ op: op("utimens"), path, accessed: time, modified: time, follow }),
  fc.record({ op: op("truncate"), path, sizeBytes: fc.maxSafeNat() }),
  fc.record({
    op: op("setxattr"),
    path,
    name: xattr,
    value,
    existing: word("any", "create", "replace"),
    follow,
  }),
  fc.record({ op: op("removexattr"), path, name: xattr, follow }),
  fc.record({ op: op("begin"), path, mode }),
  fc.record({ op: op("commit"), path, transaction: fc.integer({ min: 1, max: 0xffff_ffff }) }),
  fc.record({ op: op("discard"), path, transaction: fc.integer({ min: 1, max: 0xffff_ffff }) }),
  fc.record({ op: op("connect"), host, port }),
  fc.record({ op: op("bind"), port }),
  fc.record({ op: op("resolve"), host }),
  fc.record({
    op: op("kill"),
    pid: fc.integer({ min: 1, max: 4_194_304 }),
    signal: fc.integer({ min: 0, max: 64 }),
  }),
  fc.record({ op: op("exec"), path, argv: strings, env: strings, cwd: path }),
);

export const id: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff_ffff });
