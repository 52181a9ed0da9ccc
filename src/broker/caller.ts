import type { Presenting } from "./tokens/agents.ts";

/** Who asks, as the kernel told it. `tid` is the thread of a notification, the process of a message. */
export type Caller = {
  readonly pid: number;
  readonly tid: number;
  /** The object of a call by descriptor (fchmod and its like), held open by the broker; -1 when the request names a path. */
  readonly heldFd: number;
  /** Descriptors that came with a message; they are closed with its answer. */
  readonly descriptors: readonly number[];
  /** The channel that a message came over; absent of a system call. */
  readonly channel?: Presenting;
  /** Says whether the caller still waits for this answer; asked by operations that take their time. */
  waits(): boolean;
};

/** The held descriptor where there is one: the name may have moved since, the object has not. */
export function targetOf(path: string, caller: Caller): string | number {
  return caller.heldFd >= 0 ? caller.heldFd : path;
}
