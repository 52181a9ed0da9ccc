import { getSystemErrorMap } from "node:util";
import { SallyportError } from "../protocol/errors.ts";
import type { Denial } from "../protocol/message.ts";

/** An error as Node makes it of a failed system call. */
export type SystemError = NodeJS.ErrnoException & { dest?: string; denial?: Denial };

const NUMBERS = new Map([...getSystemErrorMap()].map(([number, [name, text]]) => [name, { number, text }]));

/** errno codes that a call may be refused with by the floor. EXDEV: a rename or link from one directory to another. */
export function isRefusal(code: string | undefined): boolean {
  return code === "EACCES" || code === "EPERM" || code === "EXDEV";
}

/** The number that libuv has for an errno name; that of EIO for one that it does not know. */
export function uvNumber(name: string): number {
  return (NUMBERS.get(name) ?? NUMBERS.get("EIO"))!.number;
}

/** The number's name, as "EACCES"; "" for none. */
export function uvName(number: number): string {
  return getSystemErrorMap().get(number)?.[0] ?? "";
}

/**
 * What the program is told in place of `native`, which the floor made: the same call and the same paths, with what the broker says.
 * A denial is added as `denial`.
 */
export function toldInstead(native: SystemError, cause: unknown): SystemError {
  if (!(cause instanceof SallyportError)) return cause as SystemError;
  // Nobody to ask: then what the floor said stands.
  if (cause.code === "GONE") return native;
  const { errno, denial } = cause;
  const error = errno === native.code ? native : systemError(errno, native);
  return denial === undefined ? error : Object.assign(error, { denial });
}

function systemError(name: string, { syscall, path, dest }: SystemError): SystemError {
  const { number, text } = NUMBERS.get(name) ?? NUMBERS.get("EIO")!;
  const where = path === undefined ? "" : ` '${path}'${dest === undefined ? "" : ` -> '${dest}'`}`;
  return Object.assign(new Error(`${name}: ${text}, ${syscall}${where}`), {
    errno: number,
    code: name,
    syscall: syscall ?? "",
    ...(path === undefined ? {} : { path }),
    ...(dest === undefined ? {} : { dest }),
  });
}
