import { expect, test } from "vitest";
import { lintFilterSpec } from "../../../../src/platform/seccomp/lint.ts";
import { loadFilterSpec } from "../../../../src/platform/seccomp/profile.ts";
import type { FilterSpec, SyscallRule } from "../../../../src/platform/seccomp/spec.ts";
import { SYSCALLS } from "../../../../src/platform/seccomp/syscalls.ts";
import { baseSpec } from "../../../support/builtin.ts";

const base = baseSpec();
const RULE: SyscallRule = {
  id: "added",
  numbers: [SYSCALLS.get("ioctl")!],
  action: { kind: "refuse", errno: 1 },
  from: null,
  unmediatedErrno: null,
  memfd: null,
  unix: null,
  inet: null,
  alternatives: [[{ arg: 1, mask: 0xffffffff, value: 1 }]],
  reason: "For the test",
};

function withRule(change: Partial<SyscallRule>): FilterSpec {
  return { ...base, rules: [{ ...RULE, ...change }, ...base.rules] };
}

function withAllowed(name: string): FilterSpec {
  return { ...base, allowed: new Set([...base.allowed, SYSCALLS.get(name)!]) };
}

test("the built-in sets have nothing to complain of, and the added rule is no problem by itself", () => {
  expect(lintFilterSpec(base)).toEqual([]);
  expect(lintFilterSpec(withRule({}))).toEqual([]);
});

test.each<[string, FilterSpec, string, string]>([
  ["no reason", withRule({ reason: " " }), "added", "has no reason"],
  [
    "a dangerous call allowed without a reason",
    withRule({ numbers: [SYSCALLS.get("socket")!], action: { kind: "allow" }, reason: "" }),
    "added",
    "has no reason",
  ],
  ["an id twice", withRule({ id: base.rules[0]!.id }), base.rules[0]!.id, "is there twice"],
  [
    "unmasked",
    withRule({ alternatives: [[{ arg: 0, mask: 2 ** 40, value: 1 }]] }),
    "added",
    "compares more than its mask",
  ],
  [
    "value past the mask",
    withRule({ alternatives: [[{ arg: 0, mask: 1, value: 2 }]] }),
    "added",
    "compares more than its mask",
  ],
  ["another ABI", withRule({ numbers: [0x40000000 + 257] }), "added", "names a number of another ABI"],
  ["io_uring allowed", withAllowed("io_uring_setup"), "io_uring_setup", "is dangerous and allowed"],
  ["ptrace allowed", withAllowed("ptrace"), "ptrace", "is allowed and refused"],
  [
    "io_uring allowed under a condition",
    withRule({ numbers: [SYSCALLS.get("io_uring_enter")!], action: { kind: "allow" } }),
    "added",
    "allows io_uring_enter(2)",
  ],
  ["close held", withRule({ numbers: [SYSCALLS.get("close")!] }), "added", "holds close(2)"],
  [
    "sendmsg held whole",
    withRule({ numbers: [SYSCALLS.get("sendmsg")!], alternatives: [] }),
    "added",
    "holds sendmsg(2)",
  ],
  [
    "a trap the broker cannot perform",
    withRule({ numbers: [SYSCALLS.get("getcwd")!], action: { kind: "trap" }, from: "writes" }),
    "added",
    "traps getcwd(2)",
  ],
  [
    "a rule that is shadowed",
    withRule({ numbers: [SYSCALLS.get("ptrace")!], alternatives: [] }),
    "process.ptrace",
    "never decides ptrace(2)",
  ],
  [
    "a number without an answer",
    { ...base, rules: base.rules.filter(({ id }) => id !== "process.ptrace") },
    "ptrace",
    "has no answer",
  ],
])("%s is found", (_name, spec, field, problem) => {
  expect(lintFilterSpec(spec)).toContainEqual(expect.objectContaining({ field, problem }));
});

const rule = { id: "one", syscalls: ["ptrace"], action: "refuse", errno: "EPERM", reason: "x" };

test.each<[string, object, string]>([
  ["an unknown name", { ...rule, syscalls: ["ptrac"] }, "set.rules[0].syscalls[0]"],
  ["no mask", { ...rule, all: [{ arg: 0, equals: 1 }] }, "set.rules[0].all[0].mask"],
  ["a mask of 64 bits", { ...rule, all: [{ arg: 0, mask: 2 ** 32, equals: 0 }] }, "set.rules[0].all[0].mask"],
  ["a value past the mask", { ...rule, all: [{ arg: 0, mask: 1, equals: 3 }] }, "set.rules[0].all[0].equals"],
  ["a seventh argument", { ...rule, all: [{ arg: 6, mask: 1, equals: 1 }] }, "set.rules[0].all[0].arg"],
  ["an unknown errno", { ...rule, errno: "EPRM" }, "set.rules[0].errno"],
  ["a name from Object.prototype", { ...rule, errno: "constructor" }, "set.rules[0].errno"],
  ["an unknown action", { ...rule, action: "log" }, "set.rules[0].action"],
  ["an unknown field", { ...rule, when: [] }, "set.rules[0].when"],
  ["an empty condition", { ...rule, any: [] }, "set.rules[0].any"],
  ["both any and all", { ...rule, any: [], all: [] }, "set.rules[0]"],
  [
    "a trap without its mediation",
    { id: "one", syscalls: ["mkdir"], action: "trap", unmediated: "allow" },
    "set.rules[0].from",
  ],
  [
    "a trap without its fallback",
    { id: "one", syscalls: ["mkdir"], action: "trap", from: "writes" },
    "set.rules[0].unmediated",
  ],
])("the reader refuses %s", (_name, bad, field) => {
  const parsed = loadFilterSpec("set", { set: { name: "set", version: 1, description: "", rules: [bad] } });
  expect(parsed).toMatchObject({
    ok: false,
    problems: expect.arrayContaining([expect.objectContaining({ field })]),
  });
});

test("the reader refuses a set that does not exist, or says it is another", () => {
  expect(loadFilterSpec("constructor", {})).toMatchObject({ ok: false });
  expect(loadFilterSpec("a", { a: { name: "b", version: 1, description: "" } })).toMatchObject({ ok: false });
  expect(
    loadFilterSpec("a", { a: { name: "a", version: 1, description: "", architectures: ["i386"] } }),
  ).toMatchObject({
    ok: false,
    problems: [{ field: "a.architectures" }],
  });
});
