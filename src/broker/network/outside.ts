import { lookup } from "node:dns";
import { networkInterfaces } from "node:os";
import type { Stream } from "../../platform/stream.ts";
import { formatIp, type IpAddress, parseIp } from "../../policy/ip_address.ts";
import { connectFirst } from "./connect_first.ts";

const RESOLVE_MS = 10_000;
const CONNECT_MS = 20_000;

/** The host's network, as far as flows need it. Tests put something else in its place. */
export type Outside = {
  /** Every address of a name. Rejects with a Node error whose `code` says why. */
  resolve(name: string): Promise<readonly IpAddress[]>;
  /** Connects to one of exactly these addresses. */
  connect(addresses: readonly IpAddress[], port: number): Promise<Stream>;
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
  connect: (addresses, port) => connectFirst(addresses, port, CONNECT_MS),
};

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
