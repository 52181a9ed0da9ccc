import type { Calls, Steps } from "./calls.ts";
import { fsPlans, type Plan } from "./fs_steps.ts";
import { isRefusal, type SystemError, toldInstead } from "./node_error.ts";
import { FS_ARGUMENTS, type FsFunction, type NodeFs, nodeFs } from "./node_fs.ts";
import { registerWholeTrees } from "./whole_trees.ts";

type Complete = (error: SystemError | null, ...results: unknown[]) => void;
type Request = { oncomplete: Complete };

/**
 * Puts itself below Node's fs: a call goes to the kernel first, and what the floor refuses is asked of the broker. A program sees
 * what it would see without, with the verdict of the broker in place of the floor's.
 */
export function registerFs(calls: Calls): void {
  const fs = nodeFs();
  const native = { ...fs } as NodeFs;
  const plans = fsPlans(native, calls.binding.closeFd);
  for (const name of Object.keys(FS_ARGUMENTS) as FsFunction[])
    fs[name] = brokered(native, native[name]!, FS_ARGUMENTS[name], plans[name], calls);
  registerWholeTrees(fs);
}

function brokered(
  native: NodeFs,
  original: (...args: unknown[]) => unknown,
  count: number,
  plan: Plan,
  calls: Calls,
): (...args: unknown[]) => unknown {
  return (...args) => {
    const how = args[count];
    if (how === native.kUsePromises) {
      return (original(...args) as Promise<unknown>).catch((error: SystemError) =>
        instead(error, (steps) => calls.later(steps)),
      );
    }
    if (isRequest(how)) {
      const complete = how.oncomplete;
      how.oncomplete = function (error, ...results) {
        if (error == null || !isRefusal(error.code)) return complete.call(this, error, ...results);
        void Promise.resolve()
          .then(() => instead(error, (steps) => calls.later(steps)))
          // Outside of the promise: what the callback throws is the program's own.
          .then(
            (value) => process.nextTick(() => complete.call(this, null, value)),
            (told: SystemError) => process.nextTick(() => complete.call(this, told)),
          );
      };
      return original(...args);
    }
    try {
      return original(...args);
    } catch (error) {
      return instead(error as SystemError, (steps) => calls.now(steps));
    }

    function instead<T>(error: SystemError, run: (steps: Steps<unknown>) => T): T {
      const steps = isRefusal(error.code) ? plan(args) : null;
      if (steps === null) throw error;
      try {
        const done = run(steps);
        if (!(done instanceof Promise)) return done;
        return done.catch((cause: unknown) => {
          throw toldInstead(error, cause);
        }) as T;
      } catch (cause) {
        throw toldInstead(error, cause);
      }
    }
  };
}

function isRequest(how: unknown): how is Request {
  return typeof how === "object" && how !== null && "oncomplete" in how;
}
