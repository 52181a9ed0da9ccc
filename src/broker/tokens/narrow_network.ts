import { formatBlock, type IpBlock, isIn } from "../../policy/ip_address.ts";
import { DEFAULT_PORTS, type GrantedPorts, type NetworkGrant, NetworkPolicy } from "../../policy/network.ts";
import type { NetworkGrants } from "../network/grants.ts";
import type { Authority } from "./authority.ts";

/** What is left of the network that a run has when a session with tokens asks for it; null: nothing. */
export function narrowNetwork(network: NetworkGrants | null, authority: Authority): NetworkGrants | null {
  if (network === null) return null;
  const hosts = (action: "connect" | "listen"): NetworkGrant[] =>
    authority.held.flatMap(({ capability }) =>
      capability.grants.flatMap((grant) =>
        grant.action === action && grant.target.kind === "host" ? [grant.target.host] : [],
      ),
    );
  const connect = hosts("connect");
  const allow = intersection(network.allow, connect);
  const asked = new NetworkPolicy(connect);
  const listen = network.listen.filter((port) =>
    hosts("listen").some(({ ports }) => ports === "any" || ports.includes(port)),
  );
  const credentials = network.credentials.filter(
    ({ grant }) => asked.decide(grant.host, grant.port).kind === "allow",
  );
  return allow.length + listen.length + credentials.length === 0 ? null : { allow, listen, credentials };
}

/** The hosts and ports that are in both lists. */
export function intersection(
  one: readonly NetworkGrant[],
  other: readonly NetworkGrant[],
): readonly NetworkGrant[] {
  const common = new Map<string, NetworkGrant>();
  for (const a of one) {
    for (const b of other) {
      const ports = commonPorts(a.ports, b.ports);
      const host = ports === null ? null : commonHost(a, b);
      if (host !== null && ports !== null) {
        const grant: NetworkGrant = { ...host, ports };
        common.set(JSON.stringify(keyOf(grant)), grant);
      }
    }
  }
  return [...common.values()];
}

function commonPorts(a: GrantedPorts, b: GrantedPorts): GrantedPorts | null {
  if (a === "any") return b;
  if (b === "any") return a;
  const both = a.filter((port) => b.includes(port));
  if (both.length === 0) return null;
  return both.length === DEFAULT_PORTS.length && a === DEFAULT_PORTS ? DEFAULT_PORTS : both;
}

function commonHost(a: NetworkGrant, b: NetworkGrant): NetworkGrant | null {
  // A name leads where its owner wants, so a name and a block have nothing in common that could be told beforehand.
  if (a.kind === "host" && b.kind === "host") {
    if (within(a, b)) return a;
    return within(b, a) ? b : null;
  }
  if (a.kind === "block" && b.kind === "block") {
    if (isWithinBlock(a.block, b.block)) return a;
    return isWithinBlock(b.block, a.block) ? b : null;
  }
  return null;
}

type Host = Extract<NetworkGrant, { kind: "host" }>;

function within(inner: Host, outer: Host): boolean {
  if (!outer.below) return !inner.below && inner.name === outer.name;
  return inner.name.endsWith(`.${outer.name}`) || (inner.below && inner.name === outer.name);
}

function isWithinBlock(inner: IpBlock, outer: IpBlock): boolean {
  return inner.prefix >= outer.prefix && isIn(inner.address, outer);
}

function keyOf(grant: NetworkGrant): unknown {
  return grant.kind === "host" ? grant : { ...grant, block: formatBlock(grant.block) };
}
