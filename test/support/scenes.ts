import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, watch } from "node:fs";
import { createServer, type Server } from "node:net";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import type { Scene } from "./attack.ts";
import { compileVictim } from "./hostile.ts";

/** A process beside the run, of the same user; `args` are made of its pid and the address of a byte in it. */
export async function neighbour(args: (pid: string, address: string) => readonly string[]): Promise<Scene> {
  const child = spawn(compileVictim("neighbour"), { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const [pid = "", address = ""] = line.split(" ");
  return {
    args: args(pid, address),
    async close() {
      // The control may have stopped it.
      child.kill("SIGCONT");
      child.stdin.end();
      await ended;
    },
    untouched() {
      expect(child.exitCode ?? child.signalCode, "the neighbour has ended").toBeNull();
      expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^State:\s+S/m);
    },
  };
}

/** A server beside the run that must not be reached; `args` are made of its TCP port. */
export async function tcpServer(args: (port: string) => readonly string[]): Promise<Scene> {
  const server = createServer();
  const scene = await listening(server, { port: 0, host: "127.0.0.1" });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return { ...scene, args: args(String(address.port)) };
}

/** A Unix stream server; a path that begins with NUL is an abstract name. */
export async function unixServer(path: string, args: readonly string[]): Promise<Scene> {
  const scene = await listening(createServer(), { path });
  return { ...scene, args };
}

async function listening(
  server: Server,
  where: { path: string } | { port: number; host: string },
): Promise<Scene> {
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    socket.destroy();
  });
  server.listen(where);
  await once(server, "listening");
  return {
    args: [],
    untouched: () => expect(connections).toBe(0),
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}

/** A datagram socket at a path, held by a process beside the run. */
export async function datagramServer(path: string, args: readonly string[]): Promise<Scene> {
  const child = spawn(compileVictim("datagram_server"), [path], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on("line", (line) => lines.push(line));
  await once(reader, "line");
  return {
    args,
    untouched: () => expect(lines).toEqual(["ready"]),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Opens a file for reading and hands it over as the victim's input. */
export function fileAsInput(path: string, args: readonly string[]): Scene {
  const input = openSync(path, "r");
  return { args, input, close: () => closeSync(input) };
}

/** Resolves as soon as `file` exists in `directory`. */
export async function appearance(directory: string, file: string): Promise<void> {
  const watcher = watch(directory);
  try {
    if (existsSync(`${directory}/${file}`)) return;
    for (;;) {
      const [, name] = (await once(watcher, "change")) as [string, string | Buffer];
      if (basename(String(name)) === file) return;
    }
  } finally {
    watcher.close();
  }
}
