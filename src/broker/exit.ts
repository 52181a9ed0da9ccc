import { constants } from "node:os";

export const SIGNALS: Readonly<Record<string, number | undefined>> = constants.signals;

/** wait(2) status to the shell's convention: the exit status, or 128 + the signal. */
export function exitCodeOf(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
}

/** The same for a person. SIGSYS is what a foreign system call interface ends in. */
export function outcomeText(waitStatus: number): string {
  const signal = waitStatus & 0x7f;
  if (signal === 0) return `exit ${(waitStatus >> 8) & 0xff}`;
  const name = Object.entries(SIGNALS).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
  return signal === SIGNALS["SIGSYS"]
    ? "killed by SIGSYS: a system call of a foreign architecture"
    : `killed by ${name}`;
}
