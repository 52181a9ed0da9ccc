import { existsSync } from "node:fs";
import { type ExecuteOptions, execute } from "./process.ts";

const DRIVER: string = new URL("./terminal.py", import.meta.url).pathname;
const PYTHON = "/usr/bin/python3";

export type Step =
  | { readonly wait: string }
  | { readonly send: string }
  | { readonly size: readonly [number, number] };
export type Session = { readonly exitCode: number; readonly output: string };

export const CTRL_C = "\u0003";

/** Why nothing can be run on a terminal here, or "". */
export function terminalObstacle(): string {
  return existsSync(PYTHON) ? "" : `needs ${PYTHON} to drive a terminal, this machine has none`;
}

/** Runs a command on a terminal, and takes the steps one after the other: what is awaited must come. */
export async function onTerminal(
  command: readonly string[],
  steps: readonly Step[],
  options: ExecuteOptions = {},
): Promise<Session> {
  const driven = await execute([PYTHON, DRIVER, JSON.stringify(steps), ...command], options);
  if (driven.exitCode !== 0) throw new Error(driven.stderr);
  return JSON.parse(driven.stdout) as Session;
}
