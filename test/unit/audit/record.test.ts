import fc from "fast-check";
import { expect, test } from "vitest";
import { denyLine, escaped, intentLine, lineParts, outcomeLine } from "../../../src/audit/lines.ts";
import { sha256 } from "../../../src/audit/merkle.ts";
import {
  type AuditRecord,
  MAX_ENTRY_BYTES,
  parseRecord,
  serializeRecord,
} from "../../../src/audit/record.ts";

const parts = lineParts("r1", 'agent "x"', 1000);
const base: AuditRecord = { v: 1, kind: "note", seq: 3, time: 5, run: "r1" };
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.constant("\ud800"),
  fc.constant("\u0000\n"),
);

test("escaped is the inside of JSON.stringify", () => {
  fc.assert(fc.property(text, (s) => `"${escaped(s)}"` === JSON.stringify(s)));
});

test("the hot lines are what the serialiser writes", () => {
  const optional = <T>(a: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(a, { nil: undefined });
  const event = fc.record({
    pid: fc.nat(),
    op: text,
    path: text,
    to: optional(text),
    rule: text,
    flags: optional(fc.nat()),
    mode: optional(fc.nat()),
  });
  fc.assert(
    fc.property(event, fc.nat(), fc.nat(), text, fc.integer(), (e, seq, time, errno, result) => {
      const given = Object.fromEntries(Object.entries(e).filter(([, v]) => v !== undefined));
      const common = { v: 1, seq, time, run: "r1", agent: 'agent "x"', user: 1000 } as const;
      const intent = { ...common, ...given, kind: "intent", durability: "power", verdict: "allow" } as const;
      expect(intentLine(parts, seq, time, e, "power")).toBe(serializeRecord(intent));
      const deny = { ...common, ...given, kind: "deny", errno, verdict: "deny" } as const;
      expect(denyLine(parts, seq, time, e, errno)).toBe(serializeRecord(deny));
      const failure = errno === "" ? {} : { errno };
      const outcome = {
        ...common,
        ...failure,
        kind: "outcome",
        intent: 7,
        result: result === 0 ? 0 : result,
      } as const;
      expect(outcomeLine(parts, seq, time, 7, errno, result)).toBe(serializeRecord(outcome));
      expect(parseRecord(intentLine(parts, seq, time, e, "crash")).seq).toBe(seq);
    }),
  );
});

test("a record above the entry limit is cut and names the hash of the whole", () => {
  const long = "\u0001".repeat(40_000);
  const event = { pid: 1, op: "rename", path: long, to: long, rule: "r" };
  const whole = JSON.stringify({
    agent: 'agent "x"',
    durability: "crash",
    kind: "intent",
    op: "rename",
    path: long,
    pid: 1,
    rule: "r",
    run: "r1",
    seq: 0,
    time: 0,
    to: long,
    user: 1000,
    v: 1,
    verdict: "allow",
  });
  const line = intentLine(parts, 0, 0, event, "crash");
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_ENTRY_BYTES);
  const record = parseRecord(line);
  expect(record.truncated).toBe(true);
  expect(record.sha256).toBe(sha256(Buffer.from(whole)).toString("hex"));
  expect(long.startsWith(record.path!)).toBe(true);
});

test.each([
  ["not JSON", "{"],
  ["an array", "[]"],
  ["null", "null"],
  ["an unknown field", '{"kind":"note","run":"r","seq":0,"time":0,"v":1,"zzz":1}'],
  ["a prototype name", '{"constructor":1,"kind":"note","run":"r","seq":0,"time":0,"v":1}'],
  ["a missing field", '{"kind":"note","run":"r","seq":0,"time":0}'],
  ["another order", '{"run":"r","kind":"note","seq":0,"time":0,"v":1}'],
  ["a space", '{"kind":"note","run":"r","seq":0,"time":0,"v":1} '],
  ["a duplicate key", '{"kind":"note","kind":"note","run":"r","seq":0,"time":0,"v":1}'],
  ["a float", '{"kind":"note","run":"r","seq":0.5,"time":0,"v":1}'],
  ["an exponent", '{"kind":"note","run":"r","seq":0,"time":1e3,"v":1}'],
  ["another kind", '{"kind":"nope","run":"r","seq":0,"time":0,"v":1}'],
  ["another version", '{"kind":"note","run":"r","seq":0,"time":0,"v":2}'],
  ["an integer-like key", '{"extra":{"1":1},"kind":"note","run":"r","seq":0,"time":0,"v":1}'],
  ["a nested value", '{"extra":{"a":{}},"kind":"note","run":"r","seq":0,"time":0,"v":1}'],
])("refuses %s", (_what, line) => {
  expect(() => parseRecord(line)).toThrowError(expect.objectContaining({ code: "INVALID" }));
});

test("refuses bytes that are not UTF-8, and floats on the way out", () => {
  expect(() => parseRecord(Buffer.from([0x7b, 0xff, 0x7d]))).toThrowError(
    expect.objectContaining({ code: "INVALID" }),
  );
  expect(() => serializeRecord({ ...base, pid: 1.5 })).toThrowError(
    expect.objectContaining({ code: "INVALID" }),
  );
});

test("extra keys are sorted", () => {
  expect(serializeRecord({ ...base, extra: { b: 1, a: true } })).toContain('"extra":{"a":true,"b":1}');
});
