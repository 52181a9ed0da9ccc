/** Runs the C programs of bench/floors, on a processor of choice. */
import { execFileSync, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";

/** Where the kernel may run the broker's event loop and the client: both on one processor, or anywhere. */
export type Placement = "one core" | "default placement";
export const PLACEMENTS: readonly Placement[] = ["one core", "default placement"];

/** Nanoseconds an operation: wall time as the client sees it, and the processor time of both sides. */
export type Cost = { readonly wallNs: number; readonly cpuNs: number };

const root = dirname(createRequire(import.meta.url).resolve("#package"));

/** Applies to this thread and to what it starts from now on. */
export function place(placement: Placement): void {
  const list = placement === "one core" ? "0" : `0-${cpus().length - 1}`;
  execFileSync("taskset", ["-p", "-c", list, `${process.pid}`], { stdio: "ignore" });
}

/** Runs a floor, or its client (`-x`) with `channel` as descriptor 3, and gives what it prints. */
export async function floor<Result = Cost>(
  name: string,
  args: readonly string[],
  channel?: number,
): Promise<Result> {
  const stdio = ["ignore", "pipe", "inherit", ...(channel === undefined ? [] : [channel])] as const;
  const child = spawn(join(root, "bench", "floors", "bin", name), args, { stdio: [...stdio] });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const output = await text(child.stdout!);
  const status = await ended;
  if (status !== 0) throw new Error(`bench/floors/${name} ended with ${status}`);
  return JSON.parse(output) as Result;
}
