/** Internet addresses as bytes, 4 or 16 of them in network order. Strict both ways: one text for each address. */
export type IpAddress = Uint8Array;

/** A block of addresses: those that agree with `address` in the first `prefix` bits. */
export type IpBlock = { readonly address: IpAddress; readonly prefix: number };

/** Dotted decimal of four numbers without leading zeros, or RFC 4291 text without a zone; anything else is null. */
export function parseIp(text: string): IpAddress | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** RFC 5952 for IPv6. */
export function formatIp(address: IpAddress): string {
  if (address.length === 4) return address.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => (address[2 * at]! << 8) | address[2 * at + 1]!);
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const words = groups.map((group) => group.toString(16));
  if (best.start < 0) return words.join(":");
  return `${words.slice(0, best.start).join(":")}::${words.slice(best.start + best.length).join(":")}`;
}

/** The IPv4 address that an IPv4-mapped one (::ffff:a.b.c.d) stands for; any other as it is. */
export function unmapped(address: IpAddress): IpAddress {
  return isIn(address, MAPPED) ? address.subarray(12) : address;
}

/** ADDRESS or ADDRESS/PREFIX whose bits past the prefix are zero; anything else is null. */
export function parseBlock(text: string): IpBlock | null {
  const [, host = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseIp(host);
  if (address === null) return null;
  const prefix = bits === undefined ? address.length * 8 : Number(bits);
  if (prefix > address.length * 8 || (bits !== undefined && String(prefix) !== bits)) return null;
  const block = { address, prefix };
  return address.every((byte, at) => (byte & ~maskOf(prefix, at)) === 0) ? block : null;
}

export function formatBlock({ address, prefix }: IpBlock): string {
  return prefix === address.length * 8 ? formatIp(address) : `${formatIp(address)}/${prefix}`;
}

export function isIn(address: IpAddress, block: IpBlock): boolean {
  if (address.length !== block.address.length) return false;
  return address.every((byte, at) => ((byte ^ block.address[at]!) & maskOf(block.prefix, at)) === 0);
}

/** Says whether every address of `inner` is one of `outer`. */
export function isWithin(inner: IpBlock, outer: IpBlock): boolean {
  return inner.prefix >= outer.prefix && isIn(inner.address, outer);
}

function maskOf(prefix: number, at: number): number {
  const bits = Math.max(0, Math.min(8, prefix - 8 * at));
  return (0xff << (8 - bits)) & 0xff;
}

function parseIpv4(text: string): IpAddress | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return null;
  const numbers = parts.map(Number);
  return numbers.every((number) => number <= 255) ? Uint8Array.from(numbers) : null;
}

function parseIpv6(text: string): IpAddress | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map(groupsOf);
  if (head == null || tail === null) return null;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 2) return null;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])]);
}

/** The bytes of groups joined by ":", the last of which may be dotted decimal. */
function groupsOf(text: string): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [at, group] of groups.entries()) {
    if (group.includes(".")) {
      const four = at === groups.length - 1 ? parseIpv4(group) : null;
      if (four === null) return null;
      bytes.push(...four);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes.length > 16 ? null : bytes;
}

const MAPPED: IpBlock = { address: parseIpv6("::ffff:0:0")!, prefix: 96 };
