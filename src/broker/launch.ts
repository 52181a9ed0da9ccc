import {
  binding,
  type NativeLaunched,
  type NativeLauncher,
  type NativeLaunchSpec,
} from "../platform/binding.ts";
import { errnoName } from "../platform/errno.ts";
import { SallyportError } from "../protocol/errors.ts";

/** Starts one program of a run. `serve` takes its listener at once: trapped calls may wait already. Gives its pid; rejects with SETUP. */
export function launch(
  launcher: NativeLauncher,
  spec: NativeLaunchSpec,
  serve: (listenerFd: number) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    launcher.launch(spec, (failure, launched: NativeLaunched | null) => {
      if (failure !== null || launched === null) {
        const { stage, syscall, errno } = failure ?? { stage: "launch", syscall: "launch", errno: 5 };
        const code = errnoName(errno);
        const what =
          stage === "exec"
            ? `Cannot run "${spec.path}": ${code}`
            : `Cannot confine the program: ${syscall} failed at stage "${stage}": ${code}`;
        reject(new SallyportError("SETUP", what, { errno: code, stage }));
        return;
      }
      binding.closeFd(launched.pidfd);
      if (launched.listenerFd >= 0) serve(launched.listenerFd);
      resolve(launched.pid);
    });
  });
}
