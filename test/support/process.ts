import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { constants } from "node:os";

/** How a program ended. A signal is reported as a shell does: 128 + its number. */
export type Finished = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

export type ExecuteOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Bytes for its input; without them its input is empty. */
  readonly input?: string | Uint8Array;
  readonly stdio?: StdioOptions;
  /** A program that starts the command which follows its own arguments. */
  readonly within?: readonly string[];
  /** Called as soon as it has been started. */
  readonly started?: (child: ChildProcess) => void;
  /** Killed after this time; default two minutes. */
  readonly timeoutMs?: number;
};

/** npm puts its own programs first, a person's shell does not. */
const PATH: string = (process.env["PATH"] ?? "")
  .split(":")
  .filter((directory) => !directory.includes("node_modules"))
  .join(":");

/** Runs a program to its end and gives what it said. */
export function execute(command: readonly string[], options: ExecuteOptions = {}): Promise<Finished> {
  const [program = "", ...args] = [...(options.within ?? []), ...command];
  const stdio = options.stdio ?? [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"];
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, PATH, ...options.env },
      stdio,
      timeout: options.timeoutMs ?? 120_000,
      killSignal: "SIGKILL",
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve({
        exitCode,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
    // A program that does not read its input ends before all of it is written.
    child.stdin?.on("error", () => {});
    if (options.input !== undefined) child.stdin?.end(options.input);
    options.started?.(child);
  });
}
