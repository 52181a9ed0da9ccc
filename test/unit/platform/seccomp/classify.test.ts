import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate } from "../../../../src/platform/seccomp/bpf.ts";
import { makeClassifier } from "../../../../src/platform/seccomp/classify.ts";
import { compileFilter } from "../../../../src/platform/seccomp/compile.ts";
import { ALL_OPTIONS } from "../../../../src/platform/seccomp/lint.ts";
import { ARCH_X86_64, SYSCALLS } from "../../../../src/platform/seccomp/syscalls.ts";
import { baseSpec } from "../../../support/builtin.ts";
import { describeWithLibseccomp } from "../../../support/libseccomp.ts";

const spec = baseSpec();
const classifier = makeClassifier(spec, { mediation: "writes", memfd: "noexec", inet: "refused" });
const nr = (name: string): number => SYSCALLS.get(name)!;

test("a refusal names its rule, its call and its errno", () => {
  expect(classifier.classify(nr("socket"), [2, 1, 0])).toEqual({
    refuse: { rule: "network.socket", what: expect.stringMatching(/^socket\(2\): /), errno: "EACCES" },
  });
  expect(classifier.classify(nr("socket"), [40, 1, 0])).toMatchObject({ refuse: { errno: "EAFNOSUPPORT" } });
  expect(classifier.classify(nr("socket"), [16, 3, 0])).toBe("kernel");
  expect(classifier.classify(nr("openat"), [0, 0, 0o1101])).toBe("trap");
  expect(classifier.traps.has(nr("renameat2"))).toBe(true);
  expect(classifier.refusals.get(nr("ptrace"))).toMatchObject({ rule: "process.ptrace", errno: "EPERM" });
});

test("what was notified is refused or brokered, whatever rounding did to its arguments", () => {
  expect(classifier.refusal(nr("socket"), [16, 3, 0])).toMatchObject({ rule: "network.family" });
  expect(classifier.refusal(nr("openat"), [0, 0, 0])).toBeNull();
  expect(classifier.refusal(nr("read"), [])).toMatchObject({ rule: "unexpected-call", errno: "EPERM" });
  expect(classifier.refusal(9999, [])).toMatchObject({ rule: "unexpected-call", errno: "EPERM" });
});

describeWithLibseccomp("classifier and filter", () => {
  test("agree on what is asked", () => {
    const interesting = [...new Set(spec.rules.flatMap((rule) => rule.numbers))];
    const values = spec.rules.flatMap((rule) => rule.alternatives.flat().map((one) => one.value));
    const word = fc.oneof(fc.constantFrom(...values), fc.nat(0xffffffff), fc.nat(64));
    // A double holds the high part exactly as long as 53 bits suffice.
    const argument = fc.tuple(fc.nat(0x1fffff), word).map(([high, low]) => high * 2 ** 32 + low);
    const pairs = ALL_OPTIONS.map((options) => ({
      own: makeClassifier(spec, options),
      ...compileFilter(spec, options),
    }));
    fc.assert(
      fc.property(
        fc.constantFrom(...interesting),
        fc.array(argument, { minLength: 6, maxLength: 6 }),
        (number, args) => {
          for (const { own, filter } of pairs) {
            const answer = evaluate(filter, { arch: ARCH_X86_64, nr: number, args: args.map(BigInt) });
            expect(own.classify(number, args) === "kernel").toBe(answer.kind !== "notify");
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
