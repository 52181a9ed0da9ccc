/** A server of its own process for the network cases: one port sends a download, one gives back a byte and closes, and so does a socket. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { createInterface } from "node:readline";

export const root: string = dirname(createRequire(import.meta.url).resolve("#package"));

const SERVER = `
const { createServer } = require("node:net");
const [mebibytes, path] = process.argv.slice(1);
const part = Buffer.alloc(1 << 20);
const download = createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", () => {
    let left = Number(mebibytes);
    socket.write("HTTP/1.1 200 OK\\r\\nContent-Length: " + left * part.length + "\\r\\n\\r\\n");
    const more = () => {
      while (left-- > 0) if (!socket.write(part)) return socket.once("drain", more);
      socket.end();
    };
    more();
  });
});
const give = (socket) => socket.on("error", () => {}).once("data", (byte) => socket.end(byte));
const echo = createServer({ noDelay: true }, give);
download.listen(0, () => echo.listen(0, () => createServer(give).listen(path, () =>
  console.log(download.address().port + " " + echo.address().port))));
`;

export type Peer = { readonly download: string; readonly echo: string; close(): void };

/** `enter` is what comes before the command: nothing, or another namespace. `path` is that of a Unix socket. */
export async function startPeer(
  mebibytes: number,
  path: string,
  enter: readonly string[] = [],
): Promise<Peer> {
  const [program = "", ...args] = [...enter, process.execPath, "-e", SERVER, String(mebibytes), path];
  const server = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await Promise.race([
    once(createInterface(server.stdout), "line"),
    once(server, "exit"),
  ])) as [string];
  if (typeof line !== "string") throw new Error("The server of the bench has not started");
  const [download = "", echo = ""] = line.split(" ");
  return { download, echo, close: () => void server.kill() };
}

/** The words that a command prints, as numbers. */
export function numbersOf(command: readonly string[], cwd: string): number[] {
  const [program = "", ...args] = command;
  const said = execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return said.trim().split(/\s+/).map(Number);
}

export function curl(url: string, ...how: string[]): string[] {
  return ["curl", "-s", "-o", "/dev/null", "-w", "%{time_total}", ...how, url];
}

/** Another host: a network namespace behind a cable of 5 Gbit/s. null where none is to be had. Close it. */
export async function otherHost(): Promise<{
  readonly address: string;
  readonly enter: readonly string[];
  close(): void;
} | null> {
  if (process.geteuid!() !== 0) return null;
  const holder: ChildProcess = spawn("unshare", ["-n", "sh", "-c", "echo ready; exec cat"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await Promise.race([once(holder.stdout!, "data"), once(holder, "exit")]);
  const enter = ["nsenter", "-t", String(holder.pid), "-n"];
  const [here, there] = [`sallyb${holder.pid! % 100_000}`, "v1"];
  const script = `
    ip link add ${here} type veth peer name ${there} netns ${holder.pid}
    ip addr add 10.77.83.1/30 dev ${here}; ip link set ${here} up
    ${enter.join(" ")} sh -ec 'ip addr add 10.77.83.2/30 dev ${there}; ip link set ${there} up
      tc qdisc add dev ${there} root tbf rate 5gbit burst 4m latency 50ms'`;
  try {
    execFileSync("sh", ["-ec", script], { stdio: "ignore" });
    return { address: "10.77.83.2", enter, close: () => void holder.kill() };
  } catch {
    holder.kill();
    return null;
  }
}
