import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import {
  decode,
  encodeHello,
  encodeHelloReply,
  encodeReply,
  encodeRequest,
} from "../../../src/protocol/codec.ts";
import { FAILURES, SallyportError } from "../../../src/protocol/errors.ts";
import type { Reply } from "../../../src/protocol/message.ts";
import { OPEN } from "../../../src/protocol/message.ts";
import { parseHello, parseHelloReply, parseRequest, parseRequestId } from "../../../src/protocol/parse.ts";
import { parseReply } from "../../../src/protocol/parse_reply.ts";
import { DENIAL_LAYERS, DENIED_OPS, FAILURE_CODES, OPS } from "../../../src/protocol/wire.ts";
import { id, request } from "../../support/arbitrary_request.ts";

function errorOf(act: () => unknown): SallyportError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SallyportError);
    return error as SallyportError;
  }
  throw new Error("nothing was thrown");
}

describe("requests", () => {
  it("come back as they were sent", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(id, request, (number, sent) => {
        seen.add(sent.op);
        expect(parseRequest(decode(encodeRequest(number, sent)))).toEqual({ id: number, request: sent });
      }),
      { numRuns: 10_000 },
    );
    expect([...seen].sort()).toEqual([...OPS].sort());
  });

  it("keep times before 1970 and to the nanosecond", () => {
    for (const time of [
      0n,
      -1n,
      -1_000_000_000n,
      -1_000_000_001n,
      999_999_999n,
      1_795_000_000_123_456_789n,
    ]) {
      const sent = { op: "utimens", path: "/a", accessed: time, modified: "keep", follow: "follow" } as const;
      expect(parseRequest(decode(encodeRequest(1, sent))).request).toEqual(sent);
    }
  });

  const open = [7, 1, "/a", OPEN.read, 0];
  it.each([
    ["request", null],
    ["request", {}],
    ["request", []],
    ["id", [-1, 1, "/a", 1, 0]],
    ["id", [-0, 1, "/a", 1, 0]],
    ["id", [2 ** 32, 1, "/a", 1, 0]],
    ["id", ["7", 1, "/a", 1, 0]],
    ["op", [7, 0, "/a", 1, 0]],
    ["op", [7, OPS.length + 1, "/a", 1, 0]],
    ["op", [7, "open", "/a", 1, 0]],
    ["open", [7, 1, "/a", 1]],
    ["open", [...open, 0]],
    ["path", [7, 1, "a", 1, 0]],
    ["path", [7, 1, "/a/../b", 1, 0]],
    ["path", [7, 1, new Uint8Array([47]), 1, 0]],
    ["flags", [7, 1, "/a", 0, 0]],
    ["flags", [7, 1, "/a", OPEN.pathOnly | OPEN.read, 0]],
    ["flags", [7, 1, "/a", OPEN.create, 0]],
    ["mode", [7, 1, "/a", 1, "0644"]],
    ["mode", [7, 1, "/a", 1, 0o10000]],
    ["mode", [7, 1, "/a", 1, 1.5]],
    ["mode", [7, 1, "/a", 1, null]],
    ["follow", [7, 2, "/a", 2]],
    ["kind", [7, 5, "/a", 2, 0]],
    ["target", [7, 9, "", "/a"]],
    ["target", [7, 9, "a\0b", "/a"]],
    ["uid", [7, 11, "/a", -2, 0, 0]],
    ["gid", [7, 11, "/a", 0, 2 ** 32 - 1, 0]],
    ["accessed", [7, 12, "/a", 2, 0, 0]],
    ["accessed[1]", [7, 12, "/a", [1, 1_000_000_000], 0, 0]],
    ["modified", [7, 12, "/a", 0, [1], 0]],
    ["sizeBytes", [7, 13, "/a", -1]],
    ["sizeBytes", [7, 13, "/a", 2 ** 53]],
    ["value", [7, 14, "/a", "user.a", "text", 0, 0]],
    ["name", [7, 14, "/a", "x".repeat(256), new Uint8Array(), 0, 0]],
    ["argv", [7, 16, "/a", new Array(1_025).fill("a"), [], "/"]],
    ["argv[2]", [7, 16, "/a", ["a", "b", 3], [], "/"]],
    ["env[0]", [7, 16, "/a", [], ["A=\0"], "/"]],
    ["cwd", [7, 16, "/a", [], [], "."]],
  ])("name the field %s that is wrong in %j", (field, frame) => {
    const error = errorOf(() => parseRequest(frame));
    expect([error.code, error.errno, error.field]).toEqual(["INVALID", "EINVAL", field]);
    expect(error.expected).toBeTruthy();
  });

  it("say what they expected", () => {
    const { message } = errorOf(() => parseRequest([7, 1, "/a", 1, "0644"]));
    expect(message).toBe('Cannot parse request: field "mode" is a string, expected an integer 0 to 4095');
  });

  it("give their id when the rest is wrong", () => {
    expect([parseRequestId([7, "?"]), parseRequestId([-1]), parseRequestId("x"), parseRequestId([])]).toEqual(
      [7, undefined, undefined, undefined],
    );
  });

  it("are not sent when they do not fit or have no UTF-8", () => {
    const argv = new Array(100).fill("x".repeat(1_000));
    expect(errorOf(() => encodeRequest(1, { op: "exec", path: "/a", argv, env: [], cwd: "/" })).code).toBe(
      "LIMIT",
    );
    expect(errorOf(() => encodeRequest(1, { op: "list", path: "/\ud800" })).code).toBe("INVALID");
  });
});

describe("replies", () => {
  const stat = {
    kind: "file",
    mode: 0o100644,
    uid: 0,
    gid: 1000,
    sizeBytes: 2 ** 40,
    linkCount: 1,
    modifiedMs: 1_795_000_000_123.25,
    inode: 2 ** 60,
    device: 2049,
  } as const;
  const denial = {
    op: "refused",
    path: "",
    rule: "no-mount",
    reason: "no",
    nextSteps: ["ask", "wait"],
    layer: "surface",
    allowedRoots: ["/w"],
    retry: "later",
    retryAfterMs: 250,
  } as const;
  const failure = { ok: false, code: "DENIED", errno: "EACCES", message: "Cannot open" } as const;
  const replies: Reply[] = [
    { ok: true, value: null },
    { ok: true, value: stat },
    { ok: true, value: [] },
    { ok: true, value: ["a", "é", "\ufeffb"] },
    { ok: true, value: { pid: 12 } },
    failure,
    { ...failure, denial },
    ...FAILURE_CODES.map((code): Reply => ({ ...failure, code, errno: FAILURES[code].errno })),
    ...DENIED_OPS.map((op): Reply => ({ ...failure, denial: { ...denial, op } })),
    ...DENIAL_LAYERS.map((layer): Reply => ({ ...failure, denial: { ...denial, layer } })),
    { ...failure, denial: { ...denial, allowedRoots: [], retry: "never", retryAfterMs: null } },
  ];
  it.each(replies)("come back as they were sent: %j", (reply) => {
    expect(parseReply(decode(encodeReply(9, reply)))).toEqual({ id: 9, reply });
  });

  it.each([
    ["reply", [1, 0]],
    ["reply", [1, 0, null, null]],
    ["status", [1, 99, "EIO", "", null]],
    ["errno", [1, 1, "eio", "", null]],
    ["value", [1, 0, "x"]],
    ["value[0]", [1, 0, [4, 1]]],
    ["pid", [1, 0, [2, 0]]],
    ["names[0]", [1, 0, [1, [4]]]],
    ["kind", [1, 0, [0, 9, 0, 0, 0, 0, 0, 0, 0, 0]]],
    ["denial", [1, 1, "EIO", "", ["x"]]],
    ["denial.op", [1, 1, "EIO", "", [99, "", "r", "", [], 0, [], 0, null]]],
    ["denial.layer", [1, 1, "EIO", "", [0, "", "r", "", [], 99, [], 0, null]]],
    ["denial.allowedRoots[0]", [1, 1, "EIO", "", [0, "", "r", "", [], 0, [1], 0, null]]],
    ["denial.retry", [1, 1, "EIO", "", [0, "", "r", "", [], 0, [], 2, null]]],
    ["denial.retryAfterMs", [1, 1, "EIO", "", [0, "", "r", "", [], 0, [], 1, -1]]],
  ])("name the field %s that is wrong in %j", (field, frame) => {
    expect(errorOf(() => parseReply(frame)).field).toBe(field);
  });

  it("name every failure code and every operation once", () => {
    expect(Object.keys(FAILURES).sort()).toEqual([...FAILURE_CODES].sort());
    expect(new Set(OPS).size).toBe(23);
  });
});

describe("hello", () => {
  it("agrees on a version or fails", () => {
    expect(parseHello(decode(encodeHello()))).toBe(1);
    expect(parseHelloReply(decode(encodeHelloReply("r1", "default")))).toEqual({
      runId: "r1",
      profileName: "default",
    });
    expect(errorOf(() => parseHello(decode(encodeHello(2)))).code).toBe("PROTOCOL");
    expect(errorOf(() => parseHello(["other", 1])).code).toBe("INVALID");
    expect(errorOf(() => parseHelloReply(["sallyport", 1])).code).toBe("INVALID");
  });
});

describe("decode", () => {
  class Record {
    a = 1;
  }
  const rich: unknown[] = [
    new Date(),
    new Set([1]),
    new Error("x"),
    /x/,
    new Map([[1, 2]]),
    { a: 1 },
    new Record(),
    true,
    undefined,
  ];
  it.each(rich)("refuses rich values: %s", (value) => {
    const bytes = new Packr({ moreTypes: true, useRecords: true }).pack([1, 2, value]);
    expect(errorOf(() => decode(bytes)).code).toBe("PROTOCOL");
  });

  it.each([
    ["nothing", []],
    ["bytes left over", [0x90, 0x90]],
    ["0xc1", [0xc1]],
    ["a string cut short", [0x91, 0xa3, 0x61]],
    ["a length cut short", [0x91, 0xda, 0x01]],
    ["more entries than bytes", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["a float32", [0xca, 0, 0, 0, 0]],
    ["an empty map", [0x80]],
    ["map 32", [0xdf, 0, 0, 0, 0]],
    ["a record definition", [0x92, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01]],
    ["a timestamp", [0xd6, 0xff, 0, 0, 0, 0]],
    ["ext 8", [0xc7, 0, 1]],
    ["an overlong slash", [0xa2, 0xc0, 0xaf]],
    ["an overlong slash of three", [0xa3, 0xe0, 0x80, 0xaf]],
    ["a surrogate", [0xa3, 0xed, 0xa0, 0x80]],
    ["beyond Unicode", [0xa4, 0xf4, 0x90, 0x80, 0x80]],
    ["a sequence cut by the end of its string", [0x92, 0xa1, 0xc3, 0xa1, 0xa9]],
    ["five arrays in each other", [0x91, 0x91, 0x91, 0x91, 0x91, 0x01]],
    ["200 arrays in each other", new Array(200).fill(0x91)],
  ])("refuses %s", (_, bytes) => {
    expect(errorOf(() => decode(Uint8Array.from(bytes))).code).toBe("PROTOCOL");
  });

  it("refuses a frame above the limit before it reads any of it", () => {
    expect(errorOf(() => decode(new Uint8Array(65_537))).message).toContain("65537 bytes");
  });

  it("reads 0x40 to 0x7f as numbers and not as records", () => {
    const bytes = Uint8Array.from([0xdc, 0, 64, ...Array.from({ length: 64 }, (_, i) => 0x40 + i)]);
    expect(decode(bytes)).toEqual(Array.from({ length: 64 }, (_, i) => 0x40 + i));
  });

  it("gives bytes that outlive the buffer they came in", () => {
    const sent = {
      op: "setxattr",
      path: "/a",
      name: "user.a",
      value: Uint8Array.of(1, 2),
      existing: "any",
      follow: "follow",
    } as const;
    const frame = encodeRequest(1, sent);
    const decoded = decode(frame);
    frame.fill(0);
    expect(parseRequest(decoded).request).toEqual(sent);
  });
});
