import { readlinkSync, readSync } from "node:fs";
import { typeOf, UNKNOWN_TYPE } from "../../files/mime.ts";
import { beginsAsCompressed, isDense, SAMPLE_BYTES } from "../../limits/dense.ts";
import { binding, LOOK } from "../../platform/binding.ts";
import type { Platform } from "../../platform/platform.ts";
import { OPEN } from "../../protocol/message.ts";

/** What a name stands for: a regular file from before the run, nothing, or anything else. */
export type Standing = "old" | "nothing" | "other";
/** How the beginning of a file looks: "encrypted" is dense and of no known format; "unread": it can not be told. */
export type Looks = "encrypted" | "plain" | "unread";

/** What storms are told from, beside the requests. With the authority of the run. */
export type StormDisk = {
  standing(path: string): Standing;
  looks(path: string): Looks;
  /** The program that a process runs; "" when nobody can say. */
  programOf(pid: number): string;
};

const ENOENT = 2;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

const scratch = new Float64Array(16);
const bytes = Buffer.allocUnsafe(SAMPLE_BYTES);

/** `startedMs` since the epoch: what was born before is old. No link is followed. */
export function stormDisk(platform: Platform, startedMs: number): StormDisk {
  return {
    standing(path) {
      const failed = binding.fsLook(path, scratch);
      if (failed < 0) return failed === -ENOENT ? "nothing" : "other";
      if ((scratch[LOOK.mode]! & S_IFMT) !== S_IFREG) return "other";
      const born = scratch[LOOK.bornSec]! * 1000 + scratch[LOOK.bornNsec]! / 1e6;
      // Where nobody has written its birth down: what has not changed since was there before.
      const since = born > 0 ? born : scratch[LOOK.ctimeSec]! * 1000 + scratch[LOOK.ctimeNsec]! / 1e6;
      return since < startedMs ? "old" : "other";
    },
    looks(path) {
      let fd = platform.open(path, OPEN.read | OPEN.noatime | OPEN.nonblock, 0, 0);
      // Only its owner may ask for that.
      if (fd < 0) fd = platform.open(path, OPEN.read | OPEN.nonblock, 0, 0);
      if (fd < 0) return "unread";
      try {
        return looksOf(bytes.subarray(0, readSync(fd, bytes, 0, SAMPLE_BYTES, 0)));
      } catch {
        // A directory, or a disk that does not give it.
        return "unread";
      } finally {
        platform.close(fd);
      }
    },
    programOf(pid) {
      try {
        return readlinkSync(`/proc/${pid}/exe`);
      } catch {
        // It is gone, or another user's.
        return "";
      }
    },
  };
}

export function looksOf(sample: Uint8Array): Looks {
  if (!isDense(sample) || beginsAsCompressed(sample)) return "plain";
  return typeOf([sample]) === UNKNOWN_TYPE ? "encrypted" : "plain";
}
