import fc from "fast-check";
import { expect, test } from "vitest";
import { specialRange } from "../../../src/policy/address_class.ts";
import { hostName } from "../../../src/policy/host_name.ts";
import { formatIp, isIn, parseBlock, parseIp, unmapped } from "../../../src/policy/ip_address.ts";
import { formatNetworkGrant, NetworkPolicy, parseNetworkGrant } from "../../../src/policy/network.ts";

function policy(...grants: string[]): NetworkPolicy {
  return new NetworkPolicy(grants.map((text) => parseNetworkGrant(text)!));
}

function ruleOf(verdict: ReturnType<NetworkPolicy["decide"]>): string {
  return verdict.kind === "allow" ? verdict.rule : verdict.rule.id;
}

test.each([
  ["example.org", "example.org"],
  ["Example.ORG.", "example.org"],
  ["example.org:443", "example.org:443"],
  ["*.example.org:443", "*.example.org:443"],
  ["localhost:*", "localhost:*"],
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["10.0.0.0/8:22", "10.0.0.0/8:22"],
  ["10.1.2.3:5432", "10.1.2.3:5432"],
  ["::1", "[::1]"],
  ["::1:80", "[::1:80]"],
  ["fd00::/8", "[fd00::/8]"],
  ["[fd00::/8]:443", "[fd00::/8]:443"],
  ["[::1]:*", "[::1]:*"],
])("the grant %s is read as %s", (text, form) => {
  expect(formatNetworkGrant(parseNetworkGrant(text)!)).toBe(form);
  expect(parseNetworkGrant(form)).toEqual(parseNetworkGrant(text));
});

test.each([
  "",
  "*",
  "*:443",
  "**.example.org",
  "a.*.example.org",
  "example.org:0",
  "example.org:65536",
  "example.org:0443",
  "example.org:",
  "example.org:443:80",
  "https://example.org",
  "example.org/path",
  "ex ample",
  "exam\0ple.org",
  "-a.org",
  "127.1",
  "0x7f.1",
  "2130706433",
  "1.2.3.256",
  "10.0.0.1/8",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "[1.2.3.4]:80",
  "[fe80::1%eth0]:80",
  "fd00::/8:443",
])("%j is no grant", (text) => {
  expect(parseNetworkGrant(text)).toBeNull();
});

test.each([
  ["example.org", "example.org", 443, "network.allow"],
  ["example.org", "EXAMPLE.org.", 80, "network.allow"],
  ["example.org", "example.org", 8080, "network.default-deny"],
  ["example.org:22", "example.org", 22, "network.allow"],
  ["example.org:22", "example.org", 443, "network.default-deny"],
  ["example.org:*", "example.org", 9, "network.allow"],
  ["example.org", "www.example.org", 443, "network.default-deny"],
  ["example.org", "example.org.evil.test", 443, "network.default-deny"],
  ["*.example.org", "a.b.example.org", 443, "network.allow"],
  ["*.example.org", "example.org", 443, "network.default-deny"],
  ["*.example.org", "evilexample.org", 443, "network.default-deny"],
  ["example.org", "example.org\0.evil.test", 443, "network.default-deny"],
  ["0.0.0.0/0:*", "8.8.8.8", 53, "network.allow"],
  ["0.0.0.0/0:*", "127.0.0.1", 80, "network.private-address"],
  ["0.0.0.0/0:*", "::ffff:10.0.0.1", 80, "network.private-address"],
  ["::/0:*", "8.8.8.8", 53, "network.default-deny"],
  ["10.0.0.0/8", "10.1.2.3", 80, "network.allow"],
  ["10.0.0.0/8", "::ffff:10.1.2.3", 80, "network.allow"],
  ["10.0.0.0/8", "11.1.2.3", 80, "network.default-deny"],
  ["10.0.0.0/8", "10.1.2.3", 22, "network.private-address"],
  ["169.254.0.0/16", "169.254.1.1", 80, "network.allow"],
  ["169.254.0.0/16", "169.254.169.254", 80, "network.private-address"],
  ["169.254.169.254", "169.254.169.254", 80, "network.allow"],
  ["localhost:5432", "127.0.0.1", 5432, "network.allow"],
  ["localhost:5432", "::1", 5432, "network.allow"],
  ["localhost:5432", "127.0.0.1", 5433, "network.private-address"],
  ["localhost:5432", "10.0.0.1", 5432, "network.private-address"],
])("with %s, %s port %d is decided by %s", (grant, host, port, rule) => {
  const parsed = parseNetworkGrant(grant.replace("::/0:*", "[::/0]:*"))!;
  expect(ruleOf(new NetworkPolicy([parsed]).decide(host, port))).toBe(rule);
});

test.each([
  "127.0.0.1",
  "10.0.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "100.100.100.200",
  "168.63.129.16",
  "0.0.0.0",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:8.8.8.8%",
  "::127.0.0.1",
  "64:ff9b::7f00:1",
  "64:ff9b::808:808",
  "64:ff9b:1::1",
  "2002:7f00:1::",
  "2001:0:1::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fec0::1",
  "ff02::1",
  "2001:db8::1",
  "4000::1",
])("a name that leads to %s is refused, however public the name", (text) => {
  const address = parseIp(text.replace("%", ""))!;
  const verdict = policy("example.org", "0.0.0.0/0", "::/0").decideAddress(address, 443, "example.org");
  expect(ruleOf(verdict)).toBe(text.endsWith("%") ? "network.allow" : "network.private-address");
});

test("an address of this machine's own interfaces is refused until it is named", () => {
  const own = parseIp("93.184.216.34")!;
  const isOwn = (address: Uint8Array) => formatIp(address) === formatIp(own);
  const decide = (...grants: string[]) =>
    ruleOf(
      new NetworkPolicy(
        grants.map((text) => parseNetworkGrant(text)!),
        isOwn,
      ).decideAddress(own, 443, "example.org"),
    );
  expect(decide("example.org", "93.184.216.0/24")).toBe("network.private-address");
  expect(decide("example.org", "93.184.216.34")).toBe("network.allow");
});

test("a refusal names the flag that would allow it", () => {
  const verdict = policy("example.org").decide("fd00::5", 8443);
  expect(verdict).toMatchObject({ rule: { remedy: "sallyport run --net-allow [fd00::5]:8443 …" } });
  expect(policy("[fd00::5]:8443").decide("fd00::5", 8443).kind).toBe("allow");
});

test("every address has one text, and a block holds exactly what agrees in its prefix", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    // Zeros in a row are what the text form is about.
    fc
      .array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 })
      .map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(bytes, fc.nat(128), (address, bits) => {
      expect(parseIp(formatIp(address))).toEqual(address);
      const prefix = Math.min(bits, address.length * 8);
      const number = (of: Uint8Array) => of.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
      const shift = BigInt(address.length * 8 - prefix);
      const base = Uint8Array.from(
        address.map((byte, at) => byte & (0xff << (8 - Math.max(0, Math.min(8, prefix - 8 * at))))),
      );
      const block = parseBlock(`${formatIp(base)}/${prefix}`)!;
      expect(isIn(address, block)).toBe(true);
      const flipped = Uint8Array.from(address);
      flipped[0]! ^= 0x80;
      expect(isIn(flipped, block)).toBe(number(flipped) >> shift === number(address) >> shift);
    }),
  );
});

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "1.2.3.4 ",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "::1.2.3.4:5",
  "g::",
  "12345::",
  "1:2:3:4:5:6:7::8",
])("%j is no address", (text) => {
  expect(parseIp(text)).toBeNull();
});

test("a mapped address is the address that it maps to", () => {
  expect(formatIp(unmapped(parseIp("::ffff:1.2.3.4")!))).toBe("1.2.3.4");
  expect(specialRange(parseIp("::ffff:8.8.8.8")!)).toBeNull();
});

test.each([
  ["a".repeat(64), null],
  [`${"a.".repeat(126)}ab`, null],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ["_srv._tcp.example", "_srv._tcp.example"],
  ["bücher.example", null],
  ["a..b", null],
  ["example.0x1", null],
])("the host name %j is %j", (text, name) => {
  expect(hostName(text)).toBe(name);
});
