/**
 * `node --import sallyport/register app.js`: in a run whose mediation is `kernel`, Node's own `fs`, `net` and `child_process` ask the broker for what the
 * kernel refuses them. In any other run the kernel itself holds such calls up until the broker has answered, and outside of a run there
 * is nobody to ask: then nothing is changed. It holds no authority: what it does any program of the run may do.
 */
import type { NativeBinding } from "../platform/binding.ts";
import { Calls } from "./calls.ts";
import { registerFs } from "./fs.ts";
import { registerPrograms } from "./programs.ts";
import { registerSockets } from "./sockets.ts";

/** Above what shells and stdio lists use. */
const OUT_OF_THE_WAY = 300;

if (process.env["SALLYPORT_FD"] !== undefined) {
  // The addon is loaded where there is a broker to talk to.
  const { binding } = await import("../platform/binding.ts");
  keepForChildren(binding);
  const calls = new Calls(binding);
  registerFs(calls);
  registerSockets(calls);
  registerPrograms(calls);
}

/** Node puts pipes of its own at 3 and further in the programs that it starts: the channel moves out of the way. */
function keepForChildren({ fdDuplicateInherited }: NativeBinding): void {
  const inherited = Number(process.env["SALLYPORT_FD"]);
  if (!(inherited >= 0 && inherited < OUT_OF_THE_WAY)) return;
  const moved = fdDuplicateInherited(inherited, OUT_OF_THE_WAY);
  if (moved >= 0) process.env["SALLYPORT_FD"] = String(moved);
}
