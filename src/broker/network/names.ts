import { hostName } from "../../policy/host_name.ts";
import { formatIp, type IpAddress, isIn, parseBlock, parseIp, unmapped } from "../../policy/ip_address.ts";

export const MAX_NAMES = 4096;
// RFC 2544 and RFC 4193: no host of the internet has them, and inside the namespace every address is local.
const IPV4 = parseBlock("198.18.0.0/15")!;
const IPV6 = parseBlock("fd53:616c:6c79::/48")!;
/** The first 256 are left to the namespace itself: the address of lo and of the proxies. */
const FIRST = 256;

/**
 * The granted names of a hosts file, by their addresses: a program finds them there and asks no name server. Loopback ones stay
 * what they are. `text` is that of hosts(5).
 */
export function listedNames(text: string, isGranted: (name: string) => boolean): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [ip = "", ...all] = line.replace(/#.*/, "").trim().split(/\s+/);
    const address = parseIp(ip);
    if (address === null || names.size >= MAX_NAMES) continue;
    const name = all.map(hostName).find((one) => one !== null && one !== "localhost" && isGranted(one));
    const text = formatIp(unmapped(address));
    if (name != null && !names.has(text)) names.set(text, name);
  }
  return names;
}

/**
 * The addresses that stand for names inside the namespace: a program without a proxy connects to one, and what it meant is the
 * name. An address belongs to one name for the life of the run.
 */
export class Names {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #listed: ReadonlyMap<string, string>;

  /** `listed`: further addresses and their names. */
  constructor(listed: ReadonlyMap<string, string> = new Map()) {
    this.#listed = listed;
  }

  /** null: there are too many names. */
  addressesOf(name: string): { readonly ipv4: IpAddress; readonly ipv6: IpAddress } | null {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      if (this.#names.length >= MAX_NAMES) return null;
      number = this.#names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return { ipv4: withNumber(IPV4.address, number), ipv6: withNumber(IPV6.address, number) };
  }

  /** The name that an address stands for; undefined for any other address and for what is none. */
  nameOf(text: string): string | undefined {
    const parsed = parseIp(text);
    const address = parsed === null ? null : unmapped(parsed);
    if (address === null) return undefined;
    if (!isIn(address, IPV4) && !isIn(address, IPV6)) return this.#listed.get(formatIp(address));
    const number = address.at(-1)! + 256 * address.at(-2)! + 65536 * (address.at(-3)! & 1) - FIRST;
    const name = this.#names[number];
    // Bits that withNumber leaves alone must be as it leaves them.
    const own = name === undefined ? null : this.addressesOf(name);
    const same = own !== null && formatIp(address.length === 4 ? own.ipv4 : own.ipv6) === formatIp(address);
    return same ? name : undefined;
  }
}

function withNumber(base: IpAddress, number: number): IpAddress {
  const address = Uint8Array.from(base);
  const value = number + FIRST;
  const last = address.length - 1;
  address[last] = value & 0xff;
  address[last - 1] = (value >> 8) & 0xff;
  return address;
}
