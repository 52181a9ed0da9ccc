import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate, type FilterAnswer, instructionCount } from "../../../../src/platform/seccomp/bpf.ts";
import { type CompiledFilter, compileFilter } from "../../../../src/platform/seccomp/compile.ts";
import { ALL_OPTIONS } from "../../../../src/platform/seccomp/lint.ts";
import {
  type Condition,
  effectiveRules,
  type FilterOptions,
  type FilterSpec,
  holds,
} from "../../../../src/platform/seccomp/spec.ts";
import {
  ARCH_I386,
  ARCH_X86_64,
  SYSCALL_NAMES,
  SYSCALLS,
  X32_BIT,
} from "../../../../src/platform/seccomp/syscalls.ts";
import { baseSpec } from "../../../support/builtin.ts";
import { describeWithLibseccomp } from "../../../support/libseccomp.ts";

const EPERM = 1;
const ENOSYS = 38;
const spec = baseSpec();

/** What the spec says, without cubes, libseccomp or BPF. */
function oracle(from: FilterSpec, options: FilterOptions, nr: number, args: readonly bigint[]): FilterAnswer {
  const low = args.map((arg) => Number(BigInt.asUintN(32, arg)));
  const rule = effectiveRules(from, options)
    .get(nr)
    ?.find((one) => holds(one.alternatives, low));
  if (rule === undefined) return from.allowed.has(nr) ? { kind: "allow" } : { kind: "errno", errno: ENOSYS };
  switch (rule.action.kind) {
    case "allow":
      return { kind: "allow" };
    case "errno":
      return { kind: "errno", errno: rule.action.errno };
    default:
      return { kind: "notify" };
  }
}

function run(
  { filter }: CompiledFilter,
  nr: number,
  args: readonly bigint[],
  arch: number = ARCH_X86_64,
): FilterAnswer {
  return evaluate(filter, { arch, nr, args });
}

/** Arguments that satisfy the conditions and set every other bit to `fill`. */
function argsFor(conditions: readonly Condition[], fill: bigint): bigint[] {
  const args = Array.from({ length: 6 }, () => fill);
  for (const { arg, mask, value } of conditions) {
    args[arg] = (args[arg]! & ~BigInt(mask) & 0xffffffffffffffffn) | BigInt(value);
  }
  return args;
}

function highVariants(args: readonly bigint[]): bigint[][] {
  const variants: bigint[][] = [];
  for (let index = 0; index < 6; index++) {
    for (const high of [1n << 32n, 0xffffffff00000000n, 1n << 63n]) {
      variants.push(args.map((arg, at) => (at === index ? (arg ^ high) & 0xffffffffffffffffn : arg)));
    }
  }
  return variants;
}

describeWithLibseccomp("the compiled filter", () => {
  for (const options of ALL_OPTIONS) {
    const title = `${options.mediation}, memfd ${options.memfd}, Unix sockets ${options.unix}, inet ${options.inet}`;

    test(`${title}: every rule, its neighbours and their high bits`, () => {
      const compiled = compileFilter(spec, options);
      let cases = 0;
      const agree = (nr: number, args: readonly bigint[]) => {
        const expected = oracle(spec, options, nr, args);
        const context = `${SYSCALL_NAMES.get(nr)} ${args.map((arg) => arg.toString(16)).join(" ")}`;
        for (const variant of [args, ...highVariants(args)]) {
          expect(run(compiled, nr, variant), context).toEqual(expected);
          cases++;
        }
      };
      for (const rule of spec.rules) {
        for (const nr of rule.numbers) {
          agree(nr, []);
          for (const conditions of rule.alternatives) {
            for (const fill of [0n, 0xffffffffffffffffn]) {
              const args = argsFor(conditions, fill);
              agree(nr, args);
              for (const { arg, mask } of conditions) {
                for (let bit = 0; bit < 32; bit++) {
                  if ((mask & (1 << bit)) === 0) continue;
                  agree(
                    nr,
                    args.map((value, at) => (at === arg ? value ^ (1n << BigInt(bit)) : value)),
                  );
                }
              }
            }
          }
        }
      }
      expect(cases).toBeGreaterThan(10_000);
    });

    test(`${title}: every number has the answer of the spec`, () => {
      const compiled = compileFilter(spec, options);
      for (let nr = 0; nr <= 500; nr++)
        expect(run(compiled, nr, []), `${nr}`).toEqual(oracle(spec, options, nr, []));
      expect(run(compiled, X32_BIT, [])).toEqual({ kind: "kill-process" });
      expect(run(compiled, X32_BIT + 257, [])).toEqual({ kind: "kill-process" });
      for (let nr = 0; nr < 500; nr++)
        expect(run(compiled, nr, [], ARCH_I386)).toEqual({ kind: "kill-process" });
      expect(compiled.listener).toBe(options.mediation === "kernel" ? "none" : "notify");
      expect(instructionCount(compiled.filter)).toBeLessThan(2048);
    });
  }

  test("a write is told from a read by every combination of flags", () => {
    const flags = [
      0o1, 0o2, 0o100, 0o200, 0o1000, 0o2000, 0o400000, 0o2000000, 0o10000000, 0o20000000, 0o200000,
    ];
    const writing = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o20000000;
    const compiled = compileFilter(spec, { mediation: "writes", memfd: "noexec", inet: "refused" });
    for (let chosen = 0; chosen < 1 << flags.length; chosen++) {
      const value = flags.reduce((sum, flag, index) => (chosen & (1 << index) ? sum | flag : sum), 0);
      const isHandle = (value & 0o10000000) !== 0;
      const expected = { kind: isHandle || (value & writing) === 0 ? "allow" : "notify" };
      for (const high of [0n, 1n << 32n]) {
        expect(run(compiled, SYSCALLS.get("open")!, [0n, BigInt(value) | high])).toEqual(expected);
        expect(run(compiled, SYSCALLS.get("openat")!, [0n, 0n, BigInt(value) | high])).toEqual(expected);
      }
    }
  });

  test("what must never be held is not held, whatever the arguments", () => {
    const names =
      `read write close fork vfork futex exit exit_group mmap munmap rt_sigaction rt_sigprocmask rt_sigreturn kill
      tgkill execve execveat seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self stat lstat newfstatat
      statx wait4 fcntl`.split(/\s+/);
    for (const options of ALL_OPTIONS) {
      const compiled = compileFilter(spec, options);
      for (const name of names) {
        for (const args of [[], Array.from({ length: 6 }, () => 0xffffffffffffffffn)]) {
          expect(run(compiled, SYSCALLS.get(name)!, args), name).toEqual({ kind: "allow" });
        }
      }
      expect(run(compiled, SYSCALLS.get("clone")!, [0x3d0f00n]), "a thread").toEqual({ kind: "allow" });
      expect(run(compiled, SYSCALLS.get("clone")!, [0x01200011n]), "fork").toEqual({ kind: "allow" });
      expect(run(compiled, SYSCALLS.get("sendmsg")!, [1n, 2n, 0x4000n])).toEqual({ kind: "allow" });
    }
  });

  test("numbers are answered by ranges before they are looked up", () => {
    const compiled = compileFilter(spec, { mediation: "writes", memfd: "noexec", inet: "refused" });
    for (const nr of [337, 380, 423, 470, 471, 0x3fffffff]) {
      expect(run(compiled, nr, [])).toEqual({ kind: "errno", errno: ENOSYS });
    }
    for (const nr of [X32_BIT, X32_BIT + 257, 0xffffffff]) {
      expect(run(compiled, nr, [])).toEqual({ kind: "kill-process" });
    }
    expect(run(compiled, 0, [])).toEqual({ kind: "allow" });
    expect(run(compiled, SYSCALLS.get("file_setattr")!, [])).toEqual({ kind: "notify" });
  });

  test("random specs compile to what they say", () => {
    const condition = fc
      .record({
        arg: fc.integer({ min: 0, max: 2 }),
        mask: fc.constantFrom(1, 2, 3, 7, 8, 0xf, 0x80000000),
        value: fc.nat(15),
      })
      .map(({ arg, mask, value }) => ({ arg, mask, value: (value & mask) >>> 0 }));
    const action = fc.constantFrom(
      { kind: "allow" } as const,
      { kind: "errno", errno: EPERM } as const,
      { kind: "errno", errno: ENOSYS } as const,
      { kind: "refuse", errno: EPERM } as const,
    );
    const rule = fc.record({
      id: fc.constant("any"),
      numbers: fc.constant([7]),
      action,
      from: fc.constant(null),
      unmediatedErrno: fc.constant(null),
      memfd: fc.constant(null),
      unix: fc.constant(null),
      inet: fc.constant(null),
      alternatives: fc.array(fc.array(condition, { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
      reason: fc.constant("x"),
    });
    const args = fc.array(fc.nat(15).map(BigInt), { minLength: 3, maxLength: 3 });
    const options: FilterOptions = { mediation: "writes", memfd: "any", inet: "refused" };
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 4 }),
        fc.array(args, { minLength: 40, maxLength: 40 }),
        (rules, calls) => {
          const random: FilterSpec = { name: "random", rules, allowed: new Set([7]) };
          const compiled = compileFilter(random, options);
          for (const call of calls) expect(run(compiled, 7, call)).toEqual(oracle(random, options, 7, call));
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);
});
