import type { Platform } from "../platform/platform.ts";
import { requestPaths } from "../policy/decide.ts";
import { OPEN, type Request, type Stat } from "../protocol/message.ts";
import { denied, type Judgement } from "./judgement.ts";
import type { Outcome } from "./outcome.ts";

const PLACE = "/dev/shm/";
const MAX_REMEMBERED = 100_000;
const OF_OTHERS = {
  id: "process.shared-memory",
  reason:
    "a process outside the run made it; the names in /dev/shm are shared with every program of the user",
};

/**
 * The segments and semaphores (shm_overview(7), sem_overview(7)) that a run has made itself: it may use no others. Known by
 * name and inode: another process may make its own under a name that was the run's.
 */
export class OwnSharedMemory {
  readonly #made = new Map<string, number>();

  /** Refuses what is there and was not made by the run; null for everything else. */
  judge(request: Request, platform: Platform): Judgement | null {
    if (!touches(request)) return null;
    for (const { path, rights } of requestPaths(request)) {
      if (!path.startsWith(PLACE)) continue;
      const found = platform.stat(path);
      if (typeof found === "number" || found.inode === this.#made.get(path)) continue;
      return denied(path, OF_OTHERS, rights);
    }
    return null;
  }

  /** To be called after a request that succeeded. */
  note(request: Request, outcome: Outcome, platform: Platform): void {
    if (!touches(request)) return;
    if (request.op === "unlink") this.#made.delete(request.path);
    else if (request.op === "rename" || request.op === "link")
      this.#add(request.to, platform.stat(request.to));
    else if (request.op === "mknod") this.#add(request.path, platform.stat(request.path));
    else if (request.op === "open" && (request.flags & OPEN.create) !== 0 && outcome.kind === "descriptor")
      this.#add(request.path, platform.stat(outcome.fd));
    if (request.op === "rename") this.#made.delete(request.from);
  }

  #add(path: string, found: Stat | number): void {
    if (!path.startsWith(PLACE) || typeof found === "number" || this.#made.size >= MAX_REMEMBERED) return;
    this.#made.set(path, found.inode);
  }
}

function touches(request: Request): boolean {
  if ("path" in request) return request.path.startsWith(PLACE);
  return "from" in request && (request.from.startsWith(PLACE) || request.to.startsWith(PLACE));
}
