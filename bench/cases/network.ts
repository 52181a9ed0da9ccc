/** A granted host, reached out of the run's namespace, beside the same exchange without Sallyport; all on loopback. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { compare, type Row } from "../measure.ts";

const ROUNDS = 5;
const CONNECTIONS = 300;
const MEBIBYTES = 256;
const root = dirname(createRequire(import.meta.url).resolve("#package"));

/** In a process of its own, as a server is: one port sends a download, the other gives back what it gets and closes. */
const SERVER = `
const { createServer } = require("node:net");
const part = Buffer.alloc(1 << 20);
const download = createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", () => {
    let left = ${MEBIBYTES};
    socket.write("HTTP/1.1 200 OK\\r\\nContent-Length: " + left * part.length + "\\r\\n\\r\\n");
    const more = () => {
      while (left-- > 0) if (!socket.write(part)) return socket.once("drain", more);
      socket.end();
    };
    more();
  });
});
const echo = createServer({ noDelay: true }, (socket) => socket.on("error", () => {}).once("data", (byte) => socket.end(byte)));
download.listen(0, "127.0.0.1", () =>
  echo.listen(0, "127.0.0.1", () => console.log(download.address().port + " " + echo.address().port)));
`;

export async function run(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  const workspace = join(directory, "work");
  mkdirSync(workspace);
  const server = spawn(process.execPath, ["-e", SERVER], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(createInterface(server.stdout), "line")) as [string];
  const [download, echo] = line.split(" ") as [string, string];
  const sallyport = [
    process.execPath,
    join(root, "bin", "sallyport"),
    ...["run", "--state", join(directory, "state"), "--read", join(root, "bench")],
    ...["--net-allow", `localhost:${download}`, "--net-allow", `localhost:${echo}`, "--"],
  ];
  const say = (command: readonly string[], within: readonly string[]): number[] => {
    const [program = "", ...args] = [...within, ...command];
    const said = execFileSync(program, args, {
      cwd: workspace,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return said.trim().split(/\s+/).map(Number);
  };
  const client = [join(root, "bench/floors/bin/connect"), echo, String(CONNECTIONS)];
  const curl = (...how: string[]) => [
    "curl",
    "-s",
    "-o",
    "/dev/null",
    "-w",
    "%{time_total}",
    ...how,
    `http://127.0.0.1:${download}/`,
  ];
  const rounds = Array.from({ length: ROUNDS }, () => {
    const [plainConnect = 0, plainWhole = 0] = say(client, []);
    const [connect = 0, whole = 0] = say(client, sallyport);
    const [direct = 0] = say(curl("--noproxy", "*"), []);
    const [transparent = 0] = say(curl("--noproxy", "*"), sallyport);
    const [proxied = 0] = say(curl("--noproxy", ""), sallyport);
    return { plainConnect, plainWhole, connect, whole, direct, transparent, proxied };
  });
  server.kill();
  rmSync(directory, { recursive: true, force: true });
  const of = (pick: (round: (typeof rounds)[number]) => [number, number]) =>
    rounds.map((round) => {
      const [value, floor] = pick(round);
      return { value, floor };
    });
  // Time is the inverse of throughput: 0.8 of the throughput is 1.25 times the time.
  return [
    compare(
      "network: connect(2) to a granted host",
      "ns",
      of((r) => [r.connect, r.plainConnect]),
      2.5,
    ),
    compare(
      "network: connect, a byte there and back, close",
      "ns",
      of((r) => [r.whole, r.plainWhole]),
      2.5,
    ),
    compare(
      "network: download without a proxy",
      "s",
      of((r) => [r.transparent, r.direct]),
      1.25,
    ),
    compare(
      "network: download through the HTTP proxy",
      "s",
      of((r) => [r.proxied, r.direct]),
      1.25,
    ),
  ];
}
