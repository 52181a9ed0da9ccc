import type { Platform } from "../platform/platform.ts";
import { requestPaths } from "../policy/decide.ts";
import { OPEN, type Request } from "../protocol/message.ts";
import { denied, type Judgement } from "./judgement.ts";

const PLACE = "/dev/shm/";
const MAX_REMEMBERED = 100_000;
const OF_OTHERS = {
  id: "process.shared-memory",
  reason:
    "a process outside the run made it; the names in /dev/shm are shared with every program of the user",
};

/** The segments and semaphores (shm_overview(7), sem_overview(7)) that a run has made itself: it may use no others. */
export class OwnSharedMemory {
  readonly #made = new Set<string>();

  /** Refuses what is there and was not made by the run; null for everything else. */
  judge(request: Request, platform: Platform): Judgement | null {
    if (!touches(request)) return null;
    for (const { path, rights } of requestPaths(request)) {
      if (!path.startsWith(PLACE) || this.#made.has(path)) continue;
      if (typeof platform.stat(path) !== "number") return denied(path, OF_OTHERS, rights);
    }
    return null;
  }

  /** To be called after a request that succeeded. */
  note(request: Request): void {
    if (!touches(request)) return;
    if (request.op === "unlink") this.#made.delete(request.path);
    else if (request.op === "rename" || request.op === "link") this.#add(request.to);
    else if (request.op === "mknod") this.#add(request.path);
    else if (request.op === "open" && (request.flags & OPEN.create) !== 0) this.#add(request.path);
    if (request.op === "rename") this.#made.delete(request.from);
  }

  #add(path: string): void {
    if (path.startsWith(PLACE) && this.#made.size < MAX_REMEMBERED) this.#made.add(path);
  }
}

function touches(request: Request): boolean {
  if ("path" in request) return request.path.startsWith(PLACE);
  return "from" in request && (request.from.startsWith(PLACE) || request.to.startsWith(PLACE));
}
