import { lookup } from "node:dns";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { formatIp, type IpAddress, parseIp } from "../../policy/ip_address.ts";

const RESOLVE_MS = 10_000;
const CONNECT_MS = 20_000;

/** The host's network, as far as flows need it. Tests put something else in its place. */
export type Outside = {
  /** Every address of a name. Rejects with a Node error whose `code` says why. */
  resolve(name: string): Promise<readonly IpAddress[]>;
  /** Connects to one of exactly these addresses. The socket is paused, and may be half closed. */
  connect(addresses: readonly IpAddress[], port: number): Promise<Socket>;
};

export const systemOutside: Outside = {
  resolve: (name) =>
    within(
      RESOLVE_MS,
      new Promise((resolve, reject) => {
        lookup(name, { all: true, verbatim: true }, (error, found) => {
          if (error !== null) reject(error);
          else resolve(found.flatMap(({ address }) => parseIp(address) ?? []));
        });
      }),
    ),
  connect: connectExactly,
};

/** Node tries the addresses one after the other (RFC 8305), and asks nobody for further ones. */
function connectExactly(addresses: readonly IpAddress[], port: number): Promise<Socket> {
  const list = addresses.map((address) => ({
    address: formatIp(address),
    family: address.length === 4 ? 4 : 6,
  }));
  const socket = connect({
    host: "checked.invalid",
    port,
    allowHalfOpen: true,
    autoSelectFamily: true,
    noDelay: true,
    lookup: (_host, options, done) => {
      if (options.all) done(null, list);
      else done(null, list[0]!.address, list[0]!.family);
    },
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(errorOf("ETIMEDOUT")), CONNECT_MS);
    socket.once("error", reject);
    socket.once("close", () => {
      clearTimeout(timer);
      reject(errorOf("ECANCELED"));
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.pause();
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** The addresses of this machine's own interfaces: what listens there is not the internet. */
export function isOwnAddress(address: IpAddress): boolean {
  const text = formatIp(address);
  return Object.values(networkInterfaces()).some((list) => list?.some((own) => own.address === text));
}

function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(errorOf("ETIMEDOUT")), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function errorOf(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
