import { once } from "node:events";
import { createServer, Socket } from "node:net";
import { type IpAddress, parseIp } from "../../policy/ip_address.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { type Flows, MAX_FLOWS } from "./flows.ts";
import type { Namespace } from "./namespace.ts";

const HOST = "127.0.0.1";

/** Opens a port of the run on 127.0.0.1 of the host. Gives what closes it; rejects with SETUP where the port is taken. */
export async function publish(port: number, flows: Flows, namespace: Namespace): Promise<() => void> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  server.maxConnections = MAX_FLOWS;
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    const target = { op: "accept", host: HOST, port, via: "listen" } as const;
    void flows.accept(target, socket, () => insideOf(port, namespace));
  });
  server.listen(port, HOST);
  try {
    await once(server, "listening");
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw new SallyportError("SETUP", `Cannot listen on ${HOST}:${port}: ${code}; choose another port`, {
      errno: code,
      stage: "network",
    });
  }
  return () => server.close();
}

/** Servers listen on either loopback address, as their resolver put it. */
async function insideOf(port: number, namespace: Namespace): Promise<Socket> {
  const addresses = [parseIp(HOST)!, ...(namespace.hasIpv6 ? [parseIp("::1")!] : [])];
  let last: unknown;
  for (const address of addresses) {
    try {
      return await connected(address, port, namespace);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function connected(address: IpAddress, port: number, namespace: Namespace): Promise<Socket> {
  const fd = await namespace.open("connect", address, port);
  return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
}
