/** Which process holds something on disk, told apart from a later process with the same pid. Linux only: /proc. */

import { randomBytes } from "node:crypto";
import { closeSync, linkSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { AuditError, errnoOf } from "./errors.ts";

/** Processes that share a file must share the pid namespace and see /proc. */
export type Owner = {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
  readonly nonce: string;
};

/**
 * Takes the lock file `path` for this process, breaking the lock of a dead one. Undefined while a live process holds it.
 * The caller unlinks `path` to give it back.
 */
export function claim(path: string): Owner | undefined {
  const mine = thisProcess();
  const temporary = `${path}.${mine.nonce}`;
  const fd = openSync(temporary, "wx", 0o600);
  try {
    writeSync(fd, JSON.stringify(mine));
    return claimWith(temporary, path, mine) ? mine : undefined;
  } finally {
    closeSync(fd);
    unlinkSync(temporary);
  }
}

/** The holder of the lock file, or undefined when there is none. */
export function ownerOf(path: string): Owner | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isOwner(value)) return value;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new AuditError("INVALID", `Cannot read the lock "${path}"`);
}

export function isAlive(owner: Owner): boolean {
  return owner.bootId === bootId() && startTimeOf(owner.pid) === owner.startTime;
}

// Only the holder of "<path>.break.<nonce of the dead>" may replace that dead lock, so two breakers can not both win; the
// claim on it may itself be left by a dead process, hence the recursion.
function claimWith(temporary: string, path: string, mine: Owner): boolean {
  if (tryLink(temporary, path)) return true;
  const holder = ownerOf(path);
  if (holder === undefined) return tryLink(temporary, path);
  if (isAlive(holder)) return false;
  const breaker = `${path}.break.${holder.nonce}`;
  if (!claimWith(temporary, breaker, mine)) return false;
  if (ownerOf(path)?.nonce !== holder.nonce) {
    unlinkSync(breaker);
    return false;
  }
  renameSync(breaker, path);
  return true;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

let boot: string | undefined;
let started: string | undefined;

function thisProcess(): Owner {
  started ??= startTimeOf(process.pid);
  if (started === undefined) throw new AuditError("SYSTEM", "Cannot lock: /proc is not there");
  return { pid: process.pid, startTime: started, bootId: bootId(), nonce: randomBytes(8).toString("hex") };
}

function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return boot;
}

/** Field 22 of proc_pid_stat(5), counted from behind the name, which may hold anything. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie holds nothing any more.
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ESRCH") return undefined;
    throw error;
  }
}

function isOwner(value: unknown): value is Owner {
  const owner = value as Owner | null;
  return (
    typeof owner === "object" &&
    owner !== null &&
    Number.isSafeInteger(owner.pid) &&
    typeof owner.startTime === "string" &&
    typeof owner.bootId === "string" &&
    /^[0-9a-f]{16}$/.test(owner.nonce)
  );
}
