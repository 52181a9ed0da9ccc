import { chmodSync, closeSync, constants, openSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import type { Platform } from "../../platform/platform.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { type ControlReply, MAX_LINE_BYTES, parseControlRequest, type Verbs } from "./message.ts";

/** In the directory of the run. */
export const CONTROL_SOCKET = "control";
const MAX_CONNECTIONS = 8;
const IDLE_MS = 10_000;
const MAX_ANCESTORS = 256;

export type ControlFront = { close(): void };

export type ControlParts = {
  /** The run's own directory in the state: 0700 and its owner's. */
  readonly directory: string;
  /** The launcher of the run: what descends from it is inside. */
  readonly rootPid: number;
  readonly platform: Platform;
  readonly verbs: Verbs;
};

/**
 * Listens for the person whose run it is: same uid, or root, as the kernel attests it (SO_PEERCRED), and no process of the run. What a
 * run connects to the broker connects, so a peer that is this very process stands for a run. Rejects with SETUP.
 */
export async function serveControl({
  directory,
  rootPid,
  platform,
  verbs,
}: ControlParts): Promise<ControlFront> {
  const owner = process.geteuid!();
  const open = new Set<Socket>();
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  // By descriptor: a socket address has 108 bytes, a state directory may have more.
  const path = `/proc/self/fd/${fd}/${CONTROL_SOCKET}`;
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    if (open.size >= MAX_CONNECTIONS || !isOwner(socket)) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.unref();
    serveConnection(socket, verbs);
  });

  function isOwner(socket: Socket): boolean {
    const handle = (socket as { _handle?: { fd?: unknown } })._handle;
    const peer = typeof handle?.fd === "number" ? platform.sockets.peer(handle.fd) : -1;
    if (typeof peer === "number") return false;
    const [pid, uid] = peer;
    return (uid === owner || uid === 0) && pid !== process.pid && !descends(pid);
  }

  function descends(pid: number): boolean {
    for (let step = 0, at = pid; step < MAX_ANCESTORS && at > 1; step++, at = platform.parentOf(at))
      if (at === rootPid) return true;
    return false;
  }

  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => resolve());
    });
    chmodSync(path, 0o600);
  } catch (cause) {
    closeSync(fd);
    const { code = "EIO" } = cause as NodeJS.ErrnoException;
    throw new SallyportError(
      "SETUP",
      `Cannot listen in "${directory}" for what a person says to the run: ${code}; choose another state directory with --state DIR`,
      { errno: code, cause },
    );
  }
  server.unref();
  return {
    close() {
      for (const socket of open) socket.destroy();
      // Takes the name away, by the descriptor.
      server.close(() => closeSync(fd));
    },
  };
}

function serveConnection(socket: Socket, verbs: Verbs): void {
  let text = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    text = Buffer.concat([text, chunk]);
    const end = text.indexOf(10);
    if (end < 0 && text.length <= MAX_LINE_BYTES) return;
    socket.pause();
    // One request a connection: there is nothing to tell apart.
    const line = end < 0 || end > MAX_LINE_BYTES ? "" : text.subarray(0, end).toString("utf8");
    void answer(line, verbs).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
  });
}

async function answer(line: string, verbs: Verbs): Promise<ControlReply> {
  try {
    const request = parseControlRequest(line);
    const verb = Object.hasOwn(verbs, request.verb) ? verbs[request.verb] : undefined;
    if (verb === undefined) {
      const known = Object.keys(verbs).join(", ");
      throw new SallyportError("INVALID", `Cannot ${request.verb}: a run understands ${known}`);
    }
    return { ok: true, value: (await verb(request)) ?? null };
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}
