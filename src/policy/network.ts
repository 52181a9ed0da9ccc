/** Which hosts a run may reach. Pure: names are resolved elsewhere, and what they resolve to is decided here again. */
import { namesRange, type SpecialRange, specialRange } from "./address_class.ts";
import { hostName } from "./host_name.ts";
import {
  formatBlock,
  formatIp,
  type IpAddress,
  type IpBlock,
  isIn,
  parseBlock,
  parseIp,
  unmapped,
} from "./ip_address.ts";

/** What a grant without a port means. */
export const DEFAULT_PORTS: readonly number[] = [80, 443];

/** `"any"` is written `*`: every port, which only the proxies can serve. */
export type GrantedPorts = readonly number[] | "any";

export type NetworkGrant =
  /** `name` is exact; with `below`, it is every name under it and not itself. */
  | { readonly kind: "host"; readonly name: string; readonly below: boolean; readonly ports: GrantedPorts }
  | { readonly kind: "block"; readonly block: IpBlock; readonly ports: GrantedPorts };

export type NetworkRule = {
  readonly id: string;
  readonly reason: string;
  readonly remedy: string;
  /** It refuses for a while: when the same may be asked again. */
  readonly retryAfterMs?: number | null;
};
export type NetworkVerdict =
  | { readonly kind: "allow"; readonly rule: string }
  | { readonly kind: "deny"; readonly rule: NetworkRule };

/** HOST, HOST:PORT, *.DOMAIN:PORT, ADDRESS, CIDR, CIDR:PORT, [IPV6/PREFIX]:PORT; PORT may be `*`. null for anything else. */
export function parseNetworkGrant(text: string): NetworkGrant | null {
  const [, bracketed, plain, port] =
    /^(?:\[([^\]]*)\]|([^:]*|[^:]*:[^:]*:.*?))(?::(\d{1,5}|\*))?$/.exec(text) ?? [];
  const whole = parseBlock(text);
  if (whole !== null) return { kind: "block", block: whole, ports: DEFAULT_PORTS };
  const ports = port === undefined ? DEFAULT_PORTS : parsePorts(port);
  if (ports === null) return null;
  if (bracketed !== undefined) {
    const block = parseBlock(bracketed);
    return block?.address.length === 16 ? { kind: "block", block, ports } : null;
  }
  if (plain === undefined || plain.includes(":")) return null;
  const block = parseBlock(plain);
  if (block !== null) return { kind: "block", block, ports };
  const below = plain.startsWith("*.");
  const name = hostName(below ? plain.slice(2) : plain);
  return name === null ? null : { kind: "host", name, below, ports };
}

/** The grant as parseNetworkGrant reads it. */
export function formatNetworkGrant(grant: NetworkGrant): string {
  const host =
    grant.kind === "host"
      ? `${grant.below ? "*." : ""}${grant.name}`
      : grant.block.address.length === 4
        ? formatBlock(grant.block)
        : `[${formatBlock(grant.block)}]`;
  if (grant.ports === DEFAULT_PORTS) return host;
  return grant.ports === "any" ? `${host}:*` : `${host}:${grant.ports.join(",")}`;
}

/** HOST:PORT as texts show it. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export class NetworkPolicy {
  readonly grants: readonly NetworkGrant[];
  readonly #isOwn: (address: IpAddress) => boolean;
  readonly #refusal: () => NetworkRule | null;

  /**
   * `isOwn` says whether an address is one of this machine's interfaces, `refusal` why nothing is granted any more (null: it
   * is).
   */
  constructor(
    grants: readonly NetworkGrant[],
    isOwn: (address: IpAddress) => boolean = () => false,
    refusal: () => NetworkRule | null = () => null,
  ) {
    this.grants = grants;
    this.#isOwn = isOwn;
    this.#refusal = refusal;
  }

  /** Why nothing new is let through, in or out; null: the grants hold. */
  refusal(): NetworkRule | null {
    return this.#refusal();
  }

  /** The same with one grant more. */
  with(grant: NetworkGrant): NetworkPolicy {
    return new NetworkPolicy([...this.grants, grant], this.#isOwn, this.#refusal);
  }

  /** A name or the text of an address. */
  decide(host: string, port: number): NetworkVerdict {
    const refusal = this.#refusal();
    if (refusal !== null) return { kind: "deny", rule: refusal };
    const address = parseIp(host);
    if (address !== null) return this.decideAddress(address, port, null);
    const name = hostName(host);
    const granted = name !== null && this.grants.some((grant) => grantsName(grant, name, port));
    return granted ? ALLOW : { kind: "deny", rule: defaultDeny(host, port) };
  }

  /** Says whether some port of the name is granted: what the name server answers. */
  knowsName(name: string): boolean {
    return this.grants.some((grant) => grant.kind === "host" && matchesName(grant, name));
  }

  /**
   * `name` is the granted name that leads there, or null where the address itself was asked for. A granted name may lead to any
   * public address; a special one must be granted by itself.
   */
  decideAddress(address: IpAddress, port: number, name: string | null): NetworkVerdict {
    const plain = unmapped(address);
    const range = specialRange(plain) ?? (this.#isOwn(plain) ? ownRange(plain) : null);
    const granted = this.grants.some(
      (grant) =>
        grant.kind === "block" &&
        grantsPort(grant.ports, port) &&
        isIn(plain, grant.block) &&
        (range === null || namesRange(grant.block, range)),
    );
    if (granted || (name !== null && range === null)) return ALLOW;
    if (range?.what === LOOPBACK && this.grants.some((grant) => grantsName(grant, "localhost", port)))
      return ALLOW;
    if (range === null) return { kind: "deny", rule: defaultDeny(formatIp(plain), port) };
    const flag = formatEndpoint(formatIp(plain), port);
    return {
      kind: "deny",
      rule: {
        id: "network.private-address",
        reason: `${formatIp(plain)} is not of the public internet: ${range.what}`,
        remedy: `sallyport run --net-allow ${flag} …`,
      },
    };
  }

  /** Ports that a listener for programs without a proxy can be told apart on. */
  get listedPorts(): readonly number[] {
    const listed = this.grants.flatMap(({ ports }) => (ports === "any" ? [] : ports));
    return [...new Set(listed)].sort((a, b) => a - b);
  }
}

const LOOPBACK = "this machine";

function ownRange(address: IpAddress): SpecialRange {
  return { block: { address, prefix: address.length * 8 }, what: "an own address of this machine" };
}

const ALLOW: NetworkVerdict = { kind: "allow", rule: "network.allow" };

function grantsName(grant: NetworkGrant, name: string, port: number): boolean {
  return grant.kind === "host" && grantsPort(grant.ports, port) && matchesName(grant, name);
}

function matchesName(grant: { readonly name: string; readonly below: boolean }, name: string): boolean {
  return grant.below ? name.endsWith(`.${grant.name}`) : name === grant.name;
}

function grantsPort(ports: GrantedPorts, port: number): boolean {
  return ports === "any" || ports.includes(port);
}

function parsePorts(text: string): GrantedPorts | null {
  if (text === "*") return "any";
  const port = Number(text);
  return port >= 1 && port <= 65535 && String(port) === text ? [port] : null;
}

/** Why a name has no address. */
export function unknownName(text: string): NetworkRule {
  const name = hostName(text);
  const remedy = name === null ? "" : `sallyport run --net-allow ${name} …`;
  return { id: "network.default-deny", reason: "no grant names this host", remedy };
}

function defaultDeny(host: string, port: number): NetworkRule {
  return {
    id: "network.default-deny",
    reason: "no grant names this host and port",
    remedy: `sallyport run --net-allow ${formatEndpoint(host, port)} …`,
  };
}
