import { url } from "node:inspector";
import { SallyportError } from "../protocol/errors.ts";

/**
 * Node answers SIGUSR1 with its inspector: a debugger on a port of this machine that asks no user who he is, and runs code with the
 * broker's authority. A listener takes the place of that for good; without one the signal would end the process.
 */
export function keepInspectorShut(): void {
  if (!process.listeners("SIGUSR1").includes(nothing)) process.on("SIGUSR1", nothing);
}

/** The same; throws SETUP where an inspector listens already. */
export function refuseOpenInspector(): void {
  keepInspectorShut();
  const open = url();
  if (open !== undefined) {
    throw new SallyportError(
      "SETUP",
      `Cannot confine the program: an inspector of the broker listens at ${new URL(open).host}, where any user may take the broker over; start without --inspect`,
    );
  }
}

/** Tells of the signal for the length of a run. Call what it gives when the run has ended. */
export function watchInspector(onSignal: () => void): () => void {
  process.on("SIGUSR1", onSignal);
  return () => process.off("SIGUSR1", onSignal);
}

function nothing(): void {}
