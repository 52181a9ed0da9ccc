/**
 * libseccomp 2.5 through ffi-rs, at profile-compile time only. `seccomp_load` is not bound: it would confine the thread
 * that runs Node. Nothing here knows what a rule means.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import type { JsExternal } from "ffi-rs";

type Ffi = typeof import("ffi-rs");
// Where the filter is cached nothing is compiled, and looking for the library would take a tenth of the start.
const ffi = (): Ffi => createRequire(import.meta.url)("ffi-rs");

const LIBRARY = "libseccomp.so.2";
/** seccomp.h: enum scmp_filter_attr. */
const ATTRIBUTE = { badArchitectureAction: 2, optimize: 8 } as const;
/** seccomp.h: SCMP_CMP_MASKED_EQ. */
const MASKED_EQUAL = 7;
/** struct scmp_arg_cmp { unsigned arg; enum op; u64 a; u64 b }. */
const COMPARISON_BYTES = 24;
const KILL_PROCESS = 0x80000000;
/** asm-generic/fcntl.h: __O_TMPFILE | O_DIRECTORY. */
const O_TMPFILE = 0o20200000;

export type Comparison = { readonly arg: number; readonly mask: number; readonly value: number };
/** `action` is a SECCOMP_RET_* value with its data. */
export type LibraryRule = {
  readonly action: number;
  readonly nr: number;
  readonly all: readonly Comparison[];
};

/** libseccomp said no. `errno` is positive. */
export class LibseccompError extends Error {
  readonly call: string;
  readonly errno: number;
  constructor(call: string, errno: number, detail: string) {
    super(`Cannot compile a filter: ${call} answered ${-errno} for ${detail}`);
    this.name = "LibseccompError";
    this.call = call;
    this.errno = errno;
  }
}

type Functions = ReturnType<typeof bind>;
let functions: Functions | "missing" | null = null;

/** "2.5.4", or null where the library is missing. The answer does not change while the process lives. */
export function libseccompVersion(): string | null {
  if (library() === null) return null;
  const [major, minor, micro] = readVersion();
  return `${major}.${minor}.${micro}`;
}

/** The file that the library was loaded from; null before it was. */
export function libseccompFile(): string | null {
  const line = readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .find((mapping) => mapping.includes("/libseccomp.so."));
  return line === undefined ? null : line.slice(line.indexOf("/"));
}

/**
 * Compiles rules to a program for this architecture with `defaultAction` for what no rule matches; another architecture
 * kills the process. Throws LibseccompError; throws Error where the library is missing. Blocks for 10 to 40 ms.
 */
export function compileRules(defaultAction: number, rules: readonly LibraryRule[]): Uint8Array {
  const seccomp = library();
  if (seccomp === null) throw new Error(`Cannot compile a filter: ${LIBRARY} is missing on this machine`);
  const context = seccomp.seccomp_init([defaultAction]);
  if (ffi().isNullPointer(context))
    throw new LibseccompError("seccomp_init", 22, `0x${defaultAction.toString(16)}`);
  try {
    // The default, KILL of one thread, would leave the others running.
    must(
      "seccomp_attr_set",
      seccomp.seccomp_attr_set([context, ATTRIBUTE.badArchitectureAction, KILL_PROCESS]),
      "BADARCH",
    );
    must("seccomp_attr_set", seccomp.seccomp_attr_set([context, ATTRIBUTE.optimize, 2]), "OPTIMIZE");
    for (const rule of rules) addRule(seccomp, context, rule);
    return exportProgram(seccomp, context);
  } finally {
    seccomp.seccomp_release([context]);
  }
}

function addRule(seccomp: Functions, context: JsExternal, { action, nr, all }: LibraryRule): void {
  // The variadic seccomp_rule_add passes structs by value, which FFI cannot.
  const buffer = Buffer.alloc(Math.max(1, all.length) * COMPARISON_BYTES);
  for (const [index, { arg, mask, value }] of all.entries()) {
    const offset = index * COMPARISON_BYTES;
    buffer.writeUInt32LE(arg, offset);
    buffer.writeUInt32LE(MASKED_EQUAL, offset + 4);
    buffer.writeBigUInt64LE(BigInt(mask), offset + 8);
    buffer.writeBigUInt64LE(BigInt(value), offset + 16);
  }
  const answer = seccomp.seccomp_rule_add_array([context, action, nr, all.length, buffer]);
  must("seccomp_rule_add_array", answer, `system call ${nr}`);
}

/** seccomp_export_bpf_mem is 2.6 only, so the program goes through an unnamed file. */
function exportProgram(seccomp: Functions, context: JsExternal): Uint8Array {
  const fd = openUnnamed();
  try {
    must("seccomp_export_bpf", seccomp.seccomp_export_bpf([context, fd]), "the whole filter");
    const program = new Uint8Array(fstatSync(fd).size);
    if (readSync(fd, program, 0, program.length, 0) !== program.length) {
      throw new LibseccompError("seccomp_export_bpf", 5, "a short read");
    }
    return program;
  } finally {
    closeSync(fd);
  }
}

function openUnnamed(): number {
  const flags = constants.O_RDWR | O_TMPFILE;
  try {
    return openSync("/dev/shm", flags, 0o600);
  } catch {
    // No tmpfs there, in some containers; the second failure is the one to report.
    return openSync(tmpdir(), flags, 0o600);
  }
}

function must(call: string, answer: number, detail: string): void {
  if (answer !== 0) throw new LibseccompError(call, -answer, detail);
}

function library(): Functions | null {
  if (functions === null) {
    try {
      ffi().open({ library: LIBRARY, path: LIBRARY });
      functions = bind();
    } catch {
      // dlopen(3) found none: the caller says so, in its own words.
      functions = "missing";
    }
  }
  return functions === "missing" ? null : functions;
}

function bind() {
  const { DataType, define } = ffi();
  const { External, I32, U32, U8Array, Void } = DataType;
  // Actions reach beyond 0x7fffffff, so they are U32.
  return define({
    seccomp_init: { library: LIBRARY, retType: External, paramsType: [U32] },
    seccomp_attr_set: { library: LIBRARY, retType: I32, paramsType: [External, I32, U32] },
    seccomp_rule_add_array: {
      library: LIBRARY,
      retType: I32,
      paramsType: [External, U32, I32, U32, U8Array],
    },
    seccomp_export_bpf: { library: LIBRARY, retType: I32, paramsType: [External, I32] },
    seccomp_release: { library: LIBRARY, retType: Void, paramsType: [External] },
  }) as unknown as {
    seccomp_init(args: [number]): JsExternal;
    seccomp_attr_set(args: [JsExternal, number, number]): number;
    seccomp_rule_add_array(args: [JsExternal, number, number, number, Buffer]): number;
    seccomp_export_bpf(args: [JsExternal, number]): number;
    seccomp_release(args: [JsExternal]): void;
  };
}

/** struct scmp_version is three unsigned ints behind a pointer that libseccomp owns. */
function readVersion(): readonly [number, number, number] {
  const { DataType, load } = ffi();
  const version = load({
    library: LIBRARY,
    funcName: "seccomp_version",
    retType: { major: DataType.U32, minor: DataType.U32, micro: DataType.U32 },
    paramsType: [],
    paramsValue: [],
  }) as unknown as { major: number; minor: number; micro: number };
  return [version.major, version.minor, version.micro];
}
