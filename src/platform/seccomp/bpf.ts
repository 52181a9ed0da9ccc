/** A classic BPF interpreter over struct seccomp_data: tests and `doctor` ask it what a compiled filter does. */

export type SeccompData = {
  /** AUDIT_ARCH_*. */
  readonly arch: number;
  /** Unsigned. */
  readonly nr: number;
  /** Six 64-bit words; missing ones are 0. */
  readonly args: readonly bigint[];
};

export type FilterAnswer =
  | { readonly kind: "allow" | "notify" | "kill-process" | "kill-thread" }
  | { readonly kind: "errno"; readonly errno: number };

/** linux/seccomp.h. */
export const RETURN = {
  killProcess: 0x80000000,
  killThread: 0,
  errno: 0x00050000,
  notify: 0x7fc00000,
  allow: 0x7fff0000,
} as const;

/** linux/bpf_common.h: the instructions that seccomp accepts and filters of ours use. */
export const OP = {
  load: 0x20,
  loadImmediate: 0x00,
  and: 0x54,
  jump: 0x05,
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpGreaterEqual: 0x35,
  jumpSet: 0x45,
  return: 0x06,
} as const;

/** One struct sock_filter. */
export function instruction(code: number, jt: number, jf: number, k: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code, true);
  view.setUint8(2, jt);
  view.setUint8(3, jf);
  view.setUint32(4, k, true);
  return bytes;
}

/** Number of instructions. Throws RangeError for what is no whole program. */
export function instructionCount(program: Uint8Array): number {
  if (program.length === 0 || program.length % 8 !== 0) {
    throw new RangeError(`A BPF program of ${program.length} bytes: expected a multiple of 8`);
  }
  return program.length / 8;
}

/** Runs the program. Throws RangeError for an instruction it does not know, or a jump past the end. */
export function evaluate(program: Uint8Array, data: SeccompData): FilterAnswer {
  const count = instructionCount(program);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const memory = encode(data);
  let accumulator = 0;
  for (let pc = 0; pc < count; pc++) {
    const code = view.getUint16(pc * 8, true);
    const k = view.getUint32(pc * 8 + 4, true);
    const jump = (taken: boolean): number => view.getUint8(pc * 8 + (taken ? 2 : 3));
    switch (code) {
      case OP.load:
        if (k % 4 !== 0) throw new RangeError(`Unaligned load at ${pc}`);
        accumulator = memory.getUint32(k, true);
        break;
      case OP.loadImmediate:
        accumulator = k;
        break;
      case OP.and:
        accumulator = (accumulator & k) >>> 0;
        break;
      case OP.jump:
        pc += k;
        break;
      case OP.jumpEqual:
        pc += jump(accumulator === k);
        break;
      case OP.jumpGreater:
        pc += jump(accumulator > k);
        break;
      case OP.jumpGreaterEqual:
        pc += jump(accumulator >= k);
        break;
      case OP.jumpSet:
        pc += jump((accumulator & k) !== 0);
        break;
      case OP.return:
        return answerOf(k);
      default:
        throw new RangeError(`Unknown BPF instruction 0x${code.toString(16)} at ${pc}`);
    }
  }
  throw new RangeError("The program runs past its end");
}

function answerOf(value: number): FilterAnswer {
  const action = (value & 0xffff0000) >>> 0;
  switch (action) {
    case RETURN.killProcess:
      return { kind: "kill-process" };
    case RETURN.killThread:
      return { kind: "kill-thread" };
    case RETURN.errno:
      return { kind: "errno", errno: value & 0xffff };
    case RETURN.notify:
      return { kind: "notify" };
    case RETURN.allow:
      return { kind: "allow" };
    default:
      throw new RangeError(`A filter of ours never answers 0x${value.toString(16)}`);
  }
}

/** struct seccomp_data, linux/seccomp.h: nr, arch, instruction pointer, args[6]. */
function encode({ nr, arch, args }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, nr, true);
  view.setUint32(4, arch, true);
  for (const [index, arg] of args.entries()) view.setBigUint64(16 + 8 * index, BigInt.asUintN(64, arg), true);
  return view;
}
