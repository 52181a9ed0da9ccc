import { namesRange, rangesNamed, specialRange } from "../address_class.ts";
import { type IpBlock, isWithin } from "../ip_address.ts";
import { type GrantedPorts, type NetworkGrant, NetworkPolicy } from "../network.ts";

/** Whether `grant` leads to HOST:PORT, a name or the text of an address, as src/policy/network.ts decides. */
export function checkHost(grant: NetworkGrant, host: string, port: number): boolean {
  return new NetworkPolicy([grant]).decide(host, port).kind === "allow";
}

/** Whether every host and port of `child` is one of some of `parents`. Each port is looked for by itself. */
export function hostSubsumes(parents: readonly NetworkGrant[], child: NetworkGrant): boolean {
  const holding = parents.filter((parent) => holds(parent, child));
  if (child.ports === "any") return holding.some(({ ports }) => ports === "any");
  return child.ports.every((port) => holding.some(({ ports }) => hasPort(ports, port)));
}

function holds(parent: NetworkGrant, child: NetworkGrant): boolean {
  if (parent.kind === "block" || child.kind === "block")
    return parent.kind === child.kind && blockHolds(parent, child);
  if (!parent.below) return !child.below && child.name === parent.name;
  const isBelow = child.name.endsWith(`.${parent.name}`);
  return isBelow || (child.below && child.name === parent.name);
}

/**
 * A block grants an address that is not of the public internet only when it names its range, so a small block may grant what the
 * large one around it does not. A single public address may be one of the machine's own, which only a grant of just that address
 * opens; whether it is one is not known here.
 */
function blockHolds(parent: NetworkGrant, child: NetworkGrant): boolean {
  const wide = (parent as { readonly block: IpBlock }).block;
  const narrow = (child as { readonly block: IpBlock }).block;
  if (!isWithin(narrow, wide)) return false;
  if (wide.prefix === narrow.prefix) return true;
  if (!rangesNamed(narrow).every((range) => namesRange(wide, range))) return false;
  const isSingle = narrow.prefix === narrow.address.length * 8;
  return !isSingle || specialRange(narrow.address) !== null;
}

function hasPort(ports: GrantedPorts, port: number): boolean {
  return ports === "any" || ports.includes(port);
}
