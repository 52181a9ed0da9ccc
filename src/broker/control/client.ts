import { closeSync, constants, existsSync, openSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { runDirectory } from "../../files/undo/journal.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { FailureCode } from "../../protocol/message.ts";
import { CONTROL_SOCKET } from "./front.ts";
import type { ControlReply, ControlRequest } from "./message.ts";

const TIMEOUT_MS = 5000;

/** Ids of the runs in a state directory that have a control socket; one of them may have been left by a killed broker. */
export function runsWithControl(state: string): string[] {
  let names: string[];
  try {
    names = readdirSync(join(state, "runs"));
  } catch {
    // No run has been here yet.
    return [];
  }
  return names.filter((run) => existsSync(join(state, "runs", run, CONTROL_SOCKET))).sort();
}

/** Asks a live run. Rejects with GONE when it does not live, TIMEOUT when it does not answer, else with what it says. */
export async function askRun(state: string, run: string, request: ControlRequest): Promise<unknown> {
  const reply = await exchange(state, run, `${JSON.stringify(request)}\n`);
  if (reply.ok) return reply.value;
  throw new SallyportError(reply.code as FailureCode, reply.message);
}

function exchange(state: string, run: string, line: string): Promise<ControlReply> {
  return new Promise((resolve, reject) => {
    const fd = directoryOf(state, run);
    const socket = connect(`/proc/self/fd/${fd}/${CONTROL_SOCKET}`);
    let text = "";
    const fail = (error: SallyportError): void => {
      socket.destroy();
      reject(error);
    };
    socket.setEncoding("utf8");
    socket.setTimeout(TIMEOUT_MS, () => {
      fail(new SallyportError("TIMEOUT", `Cannot reach run ${run}: its broker does not answer`));
    });
    socket.on("error", () => fail(gone(run)));
    socket.on("connect", () => void socket.write(line));
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("close", () => {
      closeSync(fd);
      try {
        resolve(JSON.parse(text) as ControlReply);
      } catch {
        // It ended, or refused us, before it answered.
        reject(gone(run));
      }
    });
  });
}

function directoryOf(state: string, run: string): number {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(run)) throw gone(run);
  try {
    return openSync(runDirectory(state, run), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (cause) {
    throw gone(run, cause);
  }
}

function gone(run: string, cause?: unknown): SallyportError {
  return new SallyportError(
    "GONE",
    `Cannot reach a run "${run}": none of yours is live under this id; sallyport runs names those that are`,
    { cause },
  );
}
