import { constants } from "node:os";

/** errno numbers of this platform by name. */
export const ERRNO: Readonly<Record<string, number>> = {
  ...constants.errno,
  // Not in os.constants of Node 20; asm-generic/errno.h.
  EKEYEXPIRED: 127,
  ELOOP: 40,
};

const NAMES = new Map<number, string>(Object.entries(ERRNO).map(([name, value]) => [value, name]));

/** The name of a positive errno, or `E<number>` for one this table does not know. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `E${errno}`;
}

/** The number of an errno name; EPERM for an unknown name, so that a mistake refuses. */
export function errnoNumber(name: string): number {
  return ERRNO[name] ?? 1;
}
