import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { Listener, type Stream } from "../../platform/stream.ts";
import { formatIp, type IpAddress, parseIp, unmapped } from "../../policy/ip_address.ts";
import { DEFAULT_PORTS, type NetworkPolicy } from "../../policy/network.ts";
import { credentialPolicy, endpointVariable, serveCredential } from "./credential_endpoint.ts";
import type { Credential } from "./credentials.ts";
import { DnsStub } from "./dns_stub.ts";
import type { FlowLog } from "./flow_log.ts";
import { type FlowLimits, Flows, MAX_FLOWS } from "./flows.ts";
import { serveHttpProxy } from "./http_proxy.ts";
import { listedNames, Names } from "./names.ts";
import type { Namespace } from "./namespace.ts";
import type { Outside } from "./outside.ts";
import { publish } from "./published.ts";
import { serveSocks } from "./socks5.ts";

/** Where the proxies are, inside: an address that no program binds by habit. */
const OWN_ADDRESS = parseIp("198.18.0.1")!;
const HTTP_PORT = 3128;
const SOCKS_PORT = 1080;
const DNS_PORT = 53;
const ANY_IPV4 = parseIp("0.0.0.0")!;
const ANY_IPV6 = parseIp("::")!;

export type NetworkParts = {
  readonly namespace: Namespace;
  readonly policy: NetworkPolicy;
  readonly listen: readonly number[];
  readonly credentials: readonly Credential[];
  readonly log: FlowLog;
  readonly limits: FlowLimits;
  readonly outside: Outside;
};

export type ServedNetwork = {
  readonly flows: Flows;
  readonly names: Names;
  /** Variables that tell programs of the proxies. */
  readonly environment: Readonly<Record<string, string>>;
  /** Cuts every flow; resolves when all of them are on record. */
  close(): Promise<void>;
};

/** Serves a run's namespace: name server, proxies, and a listener for programs that know of no proxy. Rejects with a Node error. */
export async function serveNetwork(parts: NetworkParts): Promise<ServedNetwork> {
  const { namespace, policy, log } = parts;
  const flows = new Flows(policy, log, parts.outside, parts.limits);
  const names = new Names(listedNames(textOf("/etc/hosts"), (name) => policy.knowsName(name)));
  const stub = new DnsStub(policy, names, log, namespace.hasIpv6);
  const closers: (() => void)[] = [];
  const any = namespace.hasIpv6 ? [ANY_IPV4, ANY_IPV6] : [ANY_IPV4];

  const listen = async (
    address: IpAddress,
    port: number,
    serve: (stream: Stream) => Promise<void>,
  ): Promise<number> => {
    const listener = listenOn(await namespace.open("listen", address, port), serve);
    closers.push(() => listener.close());
    return listener.port;
  };
  const datagrams = async (address: IpAddress): Promise<void> => {
    const fd = await namespace.open("datagram", address, DNS_PORT);
    const socket = createSocket(address.length === 4 ? "udp4" : "udp6");
    stub.serveDatagrams(socket);
    socket.on("error", () => {});
    await new Promise<void>((resolve) => socket.bind({ fd, exclusive: true }, resolve));
    closers.push(() => socket.close());
  };
  const transparent = (stream: Stream): Promise<void> => serveTransparent(stream, flows, names);

  try {
    for (const address of [...any, ...nameServers(namespace.hasIpv6)]) await datagrams(address);
    for (const address of any) {
      await listen(address, DNS_PORT, (stream) => stub.serveConnection(stream));
      // The default ports too when no grant has them: an attempt is refused by us, on record, and not by an empty port.
      for (const port of new Set([...DEFAULT_PORTS, ...policy.listedPorts]))
        await listen(address, port, transparent);
    }
    const free = (port: number): number =>
      policy.listedPorts.includes(port) || parts.listen.includes(port) ? 0 : port;
    const http = await listen(OWN_ADDRESS, free(HTTP_PORT), (stream) => serveHttpProxy(stream, flows));
    const socks = await listen(OWN_ADDRESS, free(SOCKS_PORT), (stream) => serveSocks(stream, flows, names));
    const endpoints: Record<string, string> = {};
    for (const credential of parts.credentials) {
      const allowed = credentialPolicy(policy, credential);
      const serve = (stream: Stream) => serveCredential(stream, credential, flows, allowed);
      const port = await listen(OWN_ADDRESS, 0, serve);
      const [name, url] = endpointVariable(credential, formatIp(OWN_ADDRESS), port);
      endpoints[name] = url;
    }
    for (const port of parts.listen) closers.push(publish(port, flows, namespace));
    return {
      flows,
      names,
      environment: { ...environmentOf(http, socks), ...endpoints },
      async close() {
        await flows.close();
        for (const close of closers.splice(0)) close();
      },
    };
  } catch (error) {
    for (const close of closers) close();
    throw error;
  }
}

/** A program that connected by itself: what it meant is in the address that it connected to. */
async function serveTransparent(stream: Stream, flows: Flows, names: Names): Promise<void> {
  const own = stream.name("own");
  if (own === null) return stream.close("reset");
  const text = formatIp(unmapped(own.address));
  const host = names.nameOf(text) ?? text;
  const flow = await flows.open({ op: "connect", host, port: own.port, via: "transparent" });
  if (flow.kind === "open") return flow.carry(stream, NOTHING);
  stream.close("reset");
}

const NOTHING = Buffer.alloc(0);

function listenOn(fd: number, serve: (stream: Stream) => Promise<void>): Listener {
  return new Listener(fd, 2 * MAX_FLOWS, (stream) => {
    // What rejects is the journal: without it nothing goes on.
    serve(stream).catch((error: unknown) => {
      stream.close("reset");
      throw error;
    });
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Resolvers go on without it too.
    return "";
  }
}

/** Of resolv.conf(5): answers to an IPv6 query must come from the address that was asked. IPv4 needs no list. */
function nameServers(hasIpv6: boolean): IpAddress[] {
  if (!hasIpv6) return [];
  const listed = [...textOf("/etc/resolv.conf").matchAll(/^\s*nameserver\s+([0-9a-fA-F:.]+)/gm)].flatMap(
    ([, ip]) => parseIp(ip!) ?? [],
  );
  const all = ["::1", ...listed.filter((address) => address.length === 16).map(formatIp)];
  return [...new Set(all)].slice(0, 8).map((ip) => parseIp(ip)!);
}

/** ALL_PROXY is the HTTP proxy too: httpx and others fail on a SOCKS address when they lack the package for it. */
function environmentOf(http: number, socks: number): Record<string, string> {
  const proxy = `http://${formatIp(OWN_ADDRESS)}:${http}`;
  const variables = {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    ALL_PROXY: proxy,
    // The endpoints of credentials are at the own address.
    NO_PROXY: `localhost,127.0.0.1,::1,${formatIp(OWN_ADDRESS)}`,
  };
  const lower = Object.entries(variables).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...variables,
    ...Object.fromEntries(lower),
    NODE_USE_ENV_PROXY: "1",
    SALLYPORT_SOCKS5: `${formatIp(OWN_ADDRESS)}:${socks}`,
  };
}
