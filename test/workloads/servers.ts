import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Workload } from "./workload.ts";

const REQUESTS = 50;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A browser of the person's: asks until the server is there, then for the rest of the pages. */
async function visit(port: number, signal: AbortSignal): Promise<void> {
  for (let page = 0; page < REQUESTS && !signal.aborted; ) {
    try {
      const reply = await fetch(`http://127.0.0.1:${port}/${page}`, { signal });
      if (!reply.ok) throw new Error(`page ${page}: ${reply.status}`);
      await reply.text();
      page++;
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

const port = await freePort();

export const SERVERS: readonly Workload[] = [
  {
    name: "node: a dev server with --listen, asked from outside",
    kind: "computes",
    flags: ["--listen", String(port)],
    beside: (signal) => visit(port, signal),
    script: `echo '<p>page</p>' > page.html; node -e '
const { readFileSync } = require("node:fs");
let served = 0;
const server = require("node:http").createServer((request, reply) => {
  reply.setHeader("connection", "close");
  reply.end(readFileSync("page.html"));
  if (++served === ${REQUESTS}) server.close(() => console.log(served, "pages"));
}).listen(${port}, "127.0.0.1")'`,
  },
];
