import { SallyportError } from "../protocol/errors.ts";
import type { WireRequest } from "../protocol/message.ts";
import type { Calls, Steps } from "./calls.ts";
import { isRefusal, uvName, uvNumber } from "./node_error.ts";
import { nodeBinding } from "./node_fs.ts";

type Handle = { open(fd: number): number };
type ConnectRequest = {
  oncomplete(
    status: number,
    handle: Handle,
    request: ConnectRequest,
    readable: boolean,
    writable: boolean,
  ): void;
};
type LookupRequest = { oncomplete(error: number | null, addresses?: readonly string[]): void };
type Connect = (this: Handle, request: ConnectRequest, address: string, port: number) => number;
type Bind = (this: Handle, address: string, port: number, flags?: number) => number;
type Lookup = (request: LookupRequest, host: string, ...rest: unknown[]) => number;
type Tcp = { readonly prototype: { connect: Connect; connect6: Connect; bind: Bind; bind6: Bind } };

/**
 * Puts itself below Node's net and dns: where the run has no network of its own, a connection, a listener or a name is asked of the
 * broker. What it gives are stream sockets, and nothing is known of addresses.
 */
export function registerSockets(calls: Calls): void {
  const tcp = nodeBinding("tcp_wrap", ["TCP"])["TCP"] as Tcp;
  const cares = nodeBinding("cares_wrap", ["getaddrinfo"]) as unknown as { getaddrinfo: Lookup };
  for (const name of ["connect", "connect6"] as const)
    tcp.prototype[name] = connecting(tcp.prototype[name], calls);
  for (const name of ["bind", "bind6"] as const) tcp.prototype[name] = binding(tcp.prototype[name], calls);
  cares.getaddrinfo = lookingUp(cares.getaddrinfo, calls);
}

function connecting(original: Connect, calls: Calls): Connect {
  return function (request, address, port) {
    const status = original.call(this, request, address, port);
    if (!isRefusal(uvName(status))) return status;
    const complete = (failed: number): void =>
      request.oncomplete(failed, this, request, failed === 0, failed === 0);
    calls.later(asked({ op: "connect", host: address, port })).then(
      (fd) => process.nextTick(complete, this.open(fd)),
      (error: unknown) => process.nextTick(complete, numberOf(error)),
    );
    return 0;
  };
}

function binding(original: Bind, calls: Calls): Bind {
  return function (address, port, flags) {
    const status = original.call(this, address, port, flags);
    if (!isRefusal(uvName(status)) || port === 0) return status;
    try {
      return this.open(calls.now(asked({ op: "bind", port })));
    } catch (error) {
      return numberOf(error);
    }
  };
}

function lookingUp(original: Lookup, calls: Calls): Lookup {
  return (request, host, ...rest) => {
    const complete = request.oncomplete;
    request.oncomplete = function (error, addresses) {
      if (error === null) return complete.call(this, error, addresses);
      calls.later(named(host)).then(
        (found) => process.nextTick(() => complete.call(this, null, found)),
        () => process.nextTick(() => complete.call(this, error)),
      );
    };
    return original(request, host, ...rest);
  };
}

function* asked(request: WireRequest): Steps<number> {
  return (yield request).fd;
}

function* named(host: string): Steps<readonly string[]> {
  return (yield { op: "resolve", host }).value as readonly string[];
}

function numberOf(error: unknown): number {
  if (!(error instanceof SallyportError)) throw error;
  return uvNumber(error.code === "GONE" ? "EACCES" : error.errno);
}
