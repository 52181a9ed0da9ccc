import { chmodSync } from "node:fs";
import { linux } from "../../platform/linux.ts";
import { attributesOf, look, type Time } from "../../platform/staging.ts";
import { OPEN } from "../../protocol/message.ts";
import type { Before } from "./entry.ts";

const NANOS = 1_000_000_000n;

/** Gives an object the owner, attributes with ACLs, mode and times that are described. 0 or -errno; it may be done in part then. */
export function setMetadata(target: string | number, before: Before): number {
  const result = setAccess(target, before);
  return result < 0 ? result : setTimes(target, before);
}

/** The same without the times. */
export function setAccess(target: string | number, before: Before): number {
  const there = look(target);
  if (typeof there === "number") return there;
  if (there.uid !== before.uid || there.gid !== before.gid) {
    const owned = linux.chown(target, before.uid, before.gid);
    if (owned < 0) return owned;
  }
  const attributed = setAttributes(target, before);
  if (attributed < 0) return attributed;
  if (before.kind !== "symlink" && there.mode !== before.mode) {
    const moded = setMode(target, before.mode);
    if (moded < 0) return moded;
  }
  return 0;
}

function setMode(target: string | number, mode: number): number {
  if ((mode & 0o6000) === 0) return linux.chmod(target, mode);
  // The broker never sets these bits; here they were there before the run.
  const fd = typeof target === "number" ? target : linux.open(target, OPEN.pathOnly | OPEN.nofollow, 0, 0);
  if (fd < 0) return fd;
  try {
    chmodSync(`/proc/self/fd/${fd}`, mode);
    return 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).errno ?? -1;
  } finally {
    if (typeof target === "string") linux.close(fd);
  }
}

function setAttributes(target: string | number, before: Before): number {
  const wanted = new Map(before.attributes ?? []);
  const present = attributesOf(target);
  if (typeof present === "number") return present;
  for (const [name, value] of present) {
    const old = wanted.get(name);
    if (old === Buffer.from(value).toString("base64")) wanted.delete(name);
    else if (old === undefined) {
      const result = linux.removexattr(target, name);
      if (result < 0) return result;
    }
  }
  for (const [name, value] of wanted) {
    const result = linux.setxattr(target, name, Buffer.from(value, "base64"), "any");
    if (result < 0) return result;
  }
  return 0;
}

/** 0 or -errno. */
export function setTimes(target: string | number, before: Before): number {
  return linux.utimens(target, nanoseconds(before.atime), nanoseconds(before.mtime));
}

function nanoseconds([seconds, rest]: Time): bigint {
  return BigInt(seconds) * NANOS + BigInt(rest);
}
