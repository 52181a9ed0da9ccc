import { closeSync, constants, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  binding,
  type NativeLaunched,
  type NativeLauncher,
  type NativeLaunchFailure,
  type NativeLaunchSpec,
} from "../../src/platform/binding.ts";

export const launcherProgram: string = fileURLToPath(
  new URL("../../build/Release/sallyport-launcher", import.meta.url),
);

/** Exit code, or minus the signal, of a wait status. */
export const exitOf = (status: number): number =>
  (status & 0x7f) === 0 ? (status >> 8) & 0xff : -(status & 0x7f);

/** One launcher whose callbacks became promises. Close it with `close()`. */
export type Harness = {
  readonly launcher: NativeLauncher;
  launch(spec: Partial<NativeLaunchSpec>): Promise<NativeLaunched | NativeLaunchFailure>;
  /** Resolves with exitOf() once the launched program has ended. */
  exit(pid: number): Promise<number>;
  /** Launches a shell script, waits for it, gives what it wrote to its standard output. */
  sh(script: string, spec?: Partial<NativeLaunchSpec>): Promise<{ code: number; out: string }>;
  readonly ended: Promise<number>;
  close(): void;
};

export const isLaunched = (result: NativeLaunched | NativeLaunchFailure): result is NativeLaunched =>
  "pidfd" in result;

let nextFile = 0;

export function startHarness(): Harness {
  const statuses = new Map<number, number>();
  const waiting = new Map<number, (code: number) => void>();
  let onEnd: (leftovers: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    onEnd = resolve;
  });
  const nothing = openSync("/dev/null", constants.O_RDWR);
  const launcher = binding.startLauncher(
    launcherProgram,
    (pid, status) => {
      statuses.set(pid, exitOf(status));
      waiting.get(pid)?.(exitOf(status));
    },
    (leftovers) => onEnd(leftovers),
  );

  const complete = (spec: Partial<NativeLaunchSpec>): NativeLaunchSpec => ({
    path: "/bin/true",
    argv: ["true"],
    env: ["PATH=/usr/bin:/bin"],
    cwd: "/",
    stdio: [nothing, nothing, nothing],
    channelFd: -1,
    terminalIndex: -1,
    rulesetFd: -1,
    stubFilter: new Uint8Array(),
    filter: new Uint8Array(),
    listener: "none",
    user: null,
    keepCapabilities: [],
    umask: 0o22,
    rlimits: [],
    cpus: [],
    ...spec,
  });

  const harness: Harness = {
    launcher,
    ended,
    launch: (spec) =>
      new Promise((resolve, reject) => {
        launcher.launch(complete(spec), (failure, launched) => {
          if (launched !== null) closeSync(launched.pidfd);
          const result = failure ?? launched;
          if (result === null) reject(new Error("neither launched nor failed"));
          else resolve(result);
        });
      }),
    exit: (pid) =>
      new Promise((resolve) => {
        const status = statuses.get(pid);
        if (status === undefined) waiting.set(pid, resolve);
        else resolve(status);
      }),
    async sh(script, spec = {}) {
      const path = join(tmpdir(), `sallyport-test-${process.pid}-${nextFile++}`);
      const out = openSync(path, "w+");
      try {
        const result = await harness.launch({
          path: "/bin/sh",
          argv: ["sh", "-c", script],
          stdio: [nothing, out, out],
          ...spec,
        });
        if (!isLaunched(result)) throw new Error(`${result.stage}: ${result.syscall}: ${result.errno}`);
        const code = await harness.exit(result.pid);
        return { code, out: readFileSync(path, "utf8") };
      } finally {
        closeSync(out);
        rmSync(path);
      }
    },
    close() {
      launcher.close();
      closeSync(nothing);
    },
  };
  return harness;
}

/** A filter that lets everything through but has `trapped` system calls notify. */
export function notifyFilter(...trapped: number[]): Uint8Array {
  const instruction = (code: number, jt: number, jf: number, k: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(code, 0);
    bytes.writeUInt8(jt, 2);
    bytes.writeUInt8(jf, 3);
    bytes.writeUInt32LE(k, 4);
    return bytes;
  };
  return new Uint8Array(
    Buffer.concat([
      instruction(0x20, 0, 0, 0),
      ...trapped.flatMap((nr) => [instruction(0x15, 0, 1, nr), instruction(0x06, 0, 0, 0x7fc00000)]),
      instruction(0x06, 0, 0, 0x7fff0000),
    ]),
  );
}

export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

export async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; ) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return condition();
}
