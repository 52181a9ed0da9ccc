import { expect, test } from "vitest";
import { evaluate, instruction, instructionCount, OP, RETURN } from "../../../../src/platform/seccomp/bpf.ts";
import { ARCH_X86_64 } from "../../../../src/platform/seccomp/syscalls.ts";

function program(...instructions: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(instructions));
}

const allow = instruction(OP.return, 0, 0, RETURN.allow);
const fail = instruction(OP.return, 0, 0, RETURN.errno + 1);
const data = { arch: ARCH_X86_64, nr: 257, args: [0x1_0000_0005n, 7n] };

test.each([
  ["return", [allow], "allow"],
  ["load nr", [instruction(OP.load, 0, 0, 0), instruction(OP.jumpEqual, 0, 1, 257), allow, fail], "allow"],
  [
    "load arch",
    [instruction(OP.load, 0, 0, 4), instruction(OP.jumpEqual, 0, 1, ARCH_X86_64), allow, fail],
    "allow",
  ],
  ["low word", [instruction(OP.load, 0, 0, 16), instruction(OP.jumpEqual, 0, 1, 5), allow, fail], "allow"],
  ["high word", [instruction(OP.load, 0, 0, 20), instruction(OP.jumpEqual, 0, 1, 1), allow, fail], "allow"],
  [
    "second argument",
    [instruction(OP.load, 0, 0, 24), instruction(OP.jumpEqual, 0, 1, 7), allow, fail],
    "allow",
  ],
  [
    "missing argument",
    [instruction(OP.load, 0, 0, 56), instruction(OP.jumpEqual, 0, 1, 0), allow, fail],
    "allow",
  ],
  [
    "greater is strict",
    [instruction(OP.load, 0, 0, 0), instruction(OP.jumpGreater, 1, 0, 257), allow, fail],
    "allow",
  ],
  [
    "greater or equal",
    [instruction(OP.load, 0, 0, 0), instruction(OP.jumpGreaterEqual, 0, 1, 257), allow, fail],
    "allow",
  ],
  [
    "unsigned",
    [instruction(OP.loadImmediate, 0, 0, 0x80000000), instruction(OP.jumpGreater, 0, 1, 5), allow, fail],
    "allow",
  ],
  ["set", [instruction(OP.load, 0, 0, 0), instruction(OP.jumpSet, 0, 1, 0x100), allow, fail], "allow"],
  [
    "and",
    [
      instruction(OP.load, 0, 0, 0),
      instruction(OP.and, 0, 0, 0xff),
      instruction(OP.jumpEqual, 0, 1, 1),
      allow,
      fail,
    ],
    "allow",
  ],
  ["jump", [instruction(OP.jump, 0, 0, 1), fail, allow], "allow"],
  ["kill process", [instruction(OP.return, 0, 0, RETURN.killProcess)], "kill-process"],
  ["kill thread", [instruction(OP.return, 0, 0, RETURN.killThread)], "kill-thread"],
  ["notify", [instruction(OP.return, 0, 0, RETURN.notify)], "notify"],
])("%s", (_name, instructions, kind) => {
  expect(evaluate(program(...instructions), data).kind).toBe(kind);
});

test("what is no program is refused, not guessed", () => {
  expect(evaluate(program(fail), data)).toEqual({ kind: "errno", errno: 1 });
  expect(() => instructionCount(new Uint8Array(0))).toThrow(RangeError);
  expect(() => instructionCount(new Uint8Array(9))).toThrow(RangeError);
  expect(() => evaluate(program(instruction(OP.load, 0, 0, 0)), data)).toThrow(RangeError);
  expect(() => evaluate(program(instruction(OP.jump, 0, 0, 9), allow), data)).toThrow(RangeError);
  expect(() => evaluate(program(instruction(OP.load, 0, 0, 2), allow), data)).toThrow(RangeError);
  expect(() => evaluate(program(instruction(OP.load, 0, 0, 64), allow), data)).toThrow(RangeError);
  expect(() => evaluate(program(instruction(0x84, 0, 0, 0), allow), data)).toThrow(RangeError);
});
