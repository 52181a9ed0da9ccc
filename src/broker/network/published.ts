import { binding } from "../../platform/binding.ts";
import { errnoName } from "../../platform/errno.ts";
import { Listener, Stream } from "../../platform/stream.ts";
import { type IpAddress, parseIp } from "../../policy/ip_address.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { type Flows, MAX_FLOWS } from "./flows.ts";
import type { Namespace } from "./namespace.ts";

const HOST = "127.0.0.1";

/** Opens a port of the run on 127.0.0.1 of the host. Gives what closes it; throws SETUP where the port is taken. */
export function publish(port: number, flows: Flows, namespace: Namespace): () => void {
  const fd = binding.openEndpoint("listen", parseIp(HOST)!, port);
  if (fd < 0) {
    const errno = errnoName(-fd);
    throw new SallyportError("SETUP", `Cannot listen on ${HOST}:${port}: ${errno}; choose another port`, {
      errno,
      stage: "network",
    });
  }
  const target = { op: "accept", host: HOST, port, via: "listen" } as const;
  const listener = new Listener(fd, MAX_FLOWS, (stream) => {
    void flows.accept(target, stream, () => insideOf(port, namespace));
  });
  return () => listener.close();
}

/** Servers listen on either loopback address, as their resolver put it. */
async function insideOf(port: number, namespace: Namespace): Promise<Stream> {
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

async function connected(address: IpAddress, port: number, namespace: Namespace): Promise<Stream> {
  const stream = new Stream(await namespace.open("connect", address, port));
  try {
    await stream.connected();
    return stream;
  } catch (error) {
    stream.close();
    throw error;
  }
}
