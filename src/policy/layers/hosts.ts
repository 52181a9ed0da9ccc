import { isIn, isWithin } from "../ip_address.ts";
import type { GrantedPorts, NetworkGrant } from "../network.ts";

/** Whether all that `narrow` grants is granted by one of `wide`. */
export function hostWithin(narrow: NetworkGrant, wide: readonly NetworkGrant[]): boolean {
  return wide.some((one) => {
    if (one.kind === "host") {
      if (narrow.kind !== "host" || !portsWithin(narrow.ports, one.ports)) return false;
      if (one.below)
        return narrow.name.endsWith(`.${one.name}`) || (narrow.below && narrow.name === one.name);
      return !narrow.below && narrow.name === one.name;
    }
    return (
      narrow.kind === "block" && portsWithin(narrow.ports, one.ports) && isWithin(narrow.block, one.block)
    );
  });
}

/** What both lists grant. A name and an address never meet: where a name leads is decided when it is connected to. */
export function hostsMeet(a: readonly NetworkGrant[], b: readonly NetworkGrant[]): NetworkGrant[] {
  return a.flatMap((left) => b.flatMap((right) => meet(left, right)));
}

function meet(a: NetworkGrant, b: NetworkGrant): NetworkGrant[] {
  const ports = portsMeet(a.ports, b.ports);
  if (ports !== "any" && ports.length === 0) return [];
  if (a.kind === "block" && b.kind === "block") {
    const [narrow, wide] = a.block.prefix >= b.block.prefix ? [a, b] : [b, a];
    return isIn(narrow.block.address, wide.block) ? [{ ...narrow, ports }] : [];
  }
  if (a.kind === "block" || b.kind === "block") return [];
  const whole: NetworkGrant = { ...a, ports: "any" };
  if (hostWithin(whole, [{ ...b, ports: "any" }])) return [{ ...a, ports }];
  return hostWithin({ ...b, ports: "any" }, [whole]) ? [{ ...b, ports }] : [];
}

function portsWithin(narrow: GrantedPorts, wide: GrantedPorts): boolean {
  return wide === "any" || (narrow !== "any" && narrow.every((port) => wide.includes(port)));
}

function portsMeet(a: GrantedPorts, b: GrantedPorts): GrantedPorts {
  if (a === "any") return b;
  return b === "any" ? a : a.filter((port) => b.includes(port));
}
