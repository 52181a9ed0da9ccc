import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeAnswer, parseQuery, RCODE, TYPE } from "../../../../src/broker/network/dns_message.ts";

function query(labels: readonly string[], type: number = TYPE.a, flags = 0x0100, count = 1): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(7, 0);
  head.writeUInt16BE(flags, 2);
  head.writeUInt16BE(count, 4);
  const name = labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label, "latin1")]);
  return Buffer.concat([head, ...name, Buffer.of(0, type >> 8, type & 255, 0, 1)]);
}

test("a question is read, and answered with what was asked", () => {
  const read = parseQuery(query(["www", "example", "org"]));
  if (read.kind !== "question") throw new Error(read.kind);
  expect(read.question).toMatchObject({
    id: 7,
    name: "www.example.org",
    type: TYPE.a,
    recursionDesired: true,
  });
  const answer = encodeAnswer(read.question, RCODE.ok, [Uint8Array.of(1, 2, 3, 4)]);
  expect(answer.subarray(-4)).toEqual(Buffer.of(1, 2, 3, 4));
  expect(answer.readUInt16BE(6)).toBe(1);
});

test.each([
  [
    "a name of 255 bytes",
    query(["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)]),
    "question",
  ],
  ["a longer one", query(["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(62)]), "other"],
  ["a pointer", Buffer.concat([query([]).subarray(0, 12), Buffer.of(0xc0, 12, 0, 1, 0, 1)]), "other"],
  ["two questions", query(["a"], TYPE.a, 0x0100, 2), "other"],
  ["no question", query(["a"], TYPE.a, 0x0100, 0), "other"],
  ["an update", query(["a"], TYPE.a, 0x2800), "other"],
  ["an answer", query(["a"], TYPE.a, 0x8180), "none"],
  ["half a header", query(["a"]).subarray(0, 11), "none"],
  ["half a question", query(["a"]).subarray(0, 16), "other"],
] as const)("%s", (_, message, kind) => {
  expect(parseQuery(message).kind).toBe(kind);
});

test("no bytes make it fail, and only what is a question is answered as one", () => {
  const any = fc.uint8Array({ maxLength: 300 });
  const nearly = fc
    .tuple(
      fc.array(fc.string({ unit: "binary-ascii", maxLength: 70 }), { maxLength: 6 }),
      fc.nat(400),
      fc.nat(255),
      any,
    )
    .map(([labels, at, value, rest]) => {
      const message = Buffer.concat([query(labels.filter(({ length }) => length < 64)), rest]);
      if (at < message.length) message[at] = value;
      return message;
    });
  fc.assert(
    fc.property(fc.oneof(any, nearly), (message) => {
      const read = parseQuery(Buffer.from(message));
      if (read.kind !== "question") return;
      expect(read.question.name.length).toBeLessThanOrEqual(254);
      expect(encodeAnswer(read.question, RCODE.noName, []).length).toBe(12 + read.question.bytes.length);
    }),
    { numRuns: 3000 },
  );
});
