/** Which addresses are not the public internet (IANA special-purpose registries), and why. */
import { type IpAddress, type IpBlock, isIn, isWithin, parseBlock, unmapped } from "./ip_address.ts";

export type SpecialRange = { readonly block: IpBlock; readonly what: string };

const RANGES: readonly SpecialRange[] = (
  [
    // Most particular first: the first that holds names the range.
    ["169.254.169.254", "the metadata service of a cloud"],
    ["168.63.129.16", "the metadata service of a cloud"],
    ["100.100.100.200", "the metadata service of a cloud"],
    ["192.0.0.192", "the metadata service of a cloud"],
    ["fd00:ec2::254", "the metadata service of a cloud"],
    ["0.0.0.0/8", "this network"],
    ["10.0.0.0/8", "a private network"],
    ["100.64.0.0/10", "shared address space of a carrier"],
    ["127.0.0.0/8", "this machine"],
    ["169.254.0.0/16", "link-local"],
    ["172.16.0.0/12", "a private network"],
    ["192.0.0.0/24", "protocol assignments"],
    ["192.0.2.0/24", "documentation"],
    ["192.88.99.0/24", "a 6to4 relay"],
    ["192.168.0.0/16", "a private network"],
    ["198.18.0.0/15", "benchmarking"],
    ["198.51.100.0/24", "documentation"],
    ["203.0.113.0/24", "documentation"],
    ["224.0.0.0/4", "multicast"],
    ["240.0.0.0/4", "reserved"],
    ["::", "unspecified"],
    ["::1", "this machine"],
    ["::/96", "an IPv4 address in an IPv6 one"],
    ["64:ff9b::/96", "an IPv4 address in an IPv6 one"],
    ["64:ff9b:1::/48", "an IPv4 address in an IPv6 one"],
    ["100::/64", "discarded"],
    ["2001::/32", "an IPv4 address in an IPv6 one"],
    ["2001::/23", "protocol assignments"],
    ["2001:db8::/32", "documentation"],
    ["2002::/16", "an IPv4 address in an IPv6 one"],
    ["3fff::/20", "documentation"],
    ["5f00::/16", "segment routing"],
    ["fc00::/7", "a private network"],
    ["fe80::/10", "link-local"],
    ["fec0::/10", "site-local"],
    ["ff00::/8", "multicast"],
  ] as const
).map(([block, what]) => ({ block: parseBlock(block)!, what }));

/** null for an address of the public internet. An IPv4-mapped address is what it maps to. */
export function specialRange(address: IpAddress): SpecialRange | null {
  const plain = unmapped(address);
  // What is not global unicast is not the internet, whoever gets it assigned one day.
  const unassigned = plain.length === 16 && !isIn(plain, GLOBAL_UNICAST);
  return RANGES.find(({ block }) => isIn(plain, block)) ?? (unassigned ? unassignedRange(plain) : null);
}

/** A grant of a block names a special range when all of it lies inside that range: 0.0.0.0/0 names none. */
export function namesRange(granted: IpBlock, { block }: SpecialRange): boolean {
  return isWithin(granted, block);
}

/** All special ranges that a grant of the block names. */
export function rangesNamed(granted: IpBlock): readonly SpecialRange[] {
  const named = RANGES.filter((range) => namesRange(granted, range));
  const { address } = granted;
  const isUnassigned = address.length === 16 && !isIn(address, GLOBAL_UNICAST);
  const unassigned = isUnassigned ? [unassignedRange(address)] : [];
  return [...named, ...unassigned.filter((range) => namesRange(granted, range))];
}

const GLOBAL_UNICAST = parseBlock("2000::/3")!;

function unassignedRange(address: IpAddress): SpecialRange {
  const first = address.map((byte, at) => (at === 0 ? byte & 0xe0 : 0));
  return { block: { address: first, prefix: GLOBAL_UNICAST.prefix }, what: "not assigned" };
}
