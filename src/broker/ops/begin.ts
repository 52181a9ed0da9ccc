import { closeSync, openSync } from "node:fs";
import { ERRNO } from "../../platform/errno.ts";
import { type Found, look } from "../../platform/staging.ts";
import { type BeginRequest, OPEN } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";

const SETUID_SETGID = 0o6000;

/** Gives a descriptor of a file that has no name, to be put in the place of `path` by `commit`. */
export function begin({ path, mode }: BeginRequest, caller: Caller, session: Session): Outcome {
  const { platform, undo, transactions } = session;
  const found = look(path);
  if (typeof found === "number" && found !== -ERRNO["ENOENT"]!) return failed(-found);
  const replaced = typeof found === "number" ? null : found;
  const obstacle = replaced === null ? 0 : obstacleOf(path, replaced, session);
  if (obstacle > 0) return failed(obstacle);
  const umask = platform.umaskOf(caller.tid);
  const draft = umask < 0 ? umask : undo.draft(path, replaced, mode, umask);
  if (typeof draft === "number") return failed(-draft);
  let fd: number;
  try {
    // An open file of its own: what the program holds is told from what the broker holds.
    fd = openSync(`/proc/self/fd/${draft.fd}`, "r+");
  } catch (error) {
    draft.drop();
    return failed(Math.abs((error as NodeJS.ErrnoException).errno ?? ERRNO["EIO"]!));
  }
  const transaction = transactions.add({ path, draft, replaced, waits: caller.waits });
  if (transaction > 0) return { kind: "descriptor", fd, value: { transaction } };
  closeSync(fd);
  draft.drop();
  return failed(-transaction);
}

/** Why a file can not be replaced as a whole, as an errno; 0: it can. */
function obstacleOf(path: string, { kind, mode, linkCount }: Found, { platform }: Session): number {
  if (kind === "symlink") return ERRNO["ELOOP"]!;
  if (kind === "directory") return ERRNO["EISDIR"]!;
  if (kind !== "file") return ERRNO["EINVAL"]!;
  // The other names would go on with the old content.
  if (linkCount > 1) return ERRNO["EMLINK"]!;
  if ((mode & SETUID_SETGID) !== 0) return ERRNO["EPERM"]!;
  // What may not be written to may not be replaced in this way either.
  const held = platform.open(path, OPEN.write, 0, 0);
  if (held < 0) return -held;
  platform.close(held);
  return 0;
}

function failed(errno: number): Outcome {
  return { kind: "failed", errno };
}
