import { closeSync, openSync } from "node:fs";
import { ERRNO } from "../../platform/errno.ts";
import { look } from "../../platform/staging.ts";
import type { BeginRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";
import { obstacleOf } from "./replace.ts";

/** Gives a descriptor of a file that has no name, to be put in the place of `path` by `commit`. */
export function begin({ path, mode }: BeginRequest, caller: Caller, session: Session): Outcome {
  const { platform, undo, transactions } = session;
  const found = look(path);
  if (typeof found === "number" && found !== -ERRNO["ENOENT"]!) return failed(-found);
  const replaced = typeof found === "number" ? null : found;
  const obstacle = replaced === null ? 0 : obstacleOf(path, replaced, platform);
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

function failed(errno: number): Outcome {
  return { kind: "failed", errno };
}
