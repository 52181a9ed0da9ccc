import { expect, test } from "vitest";
import { intersection } from "../../../../src/broker/tokens/narrow_network.ts";
import { formatNetworkGrant, NetworkPolicy, parseNetworkGrant } from "../../../../src/policy/network.ts";

const grants = (...texts: string[]) => texts.map((text) => parseNetworkGrant(text)!);

const ALL = [
  "a.org",
  "a.org:8080",
  "*.a.org",
  "*.a.org:*",
  "*.b.a.org:443",
  "b.a.org:443",
  "10.0.0.0/8:443",
  "10.1.0.0/16",
  "10.1.2.3:443",
  "8.8.8.8:*",
  "[2001:db8::/32]:443",
];
const HOSTS = [
  "a.org",
  "b.a.org",
  "c.b.a.org",
  "d.org",
  "10.1.2.3",
  "10.1.9.9",
  "10.9.9.9",
  "8.8.8.8",
  "2001:db8::1",
];
const PORTS = [80, 443, 8080, 9];

test("of two lists of hosts it grants what both grant, and nothing else", () => {
  let allowed = 0;
  for (const one of ALL) {
    for (const other of ALL) {
      const both = new NetworkPolicy(intersection(grants(one), grants(other)));
      for (const host of HOSTS) {
        for (const port of PORTS) {
          const each = [one, other].every(
            (text) => new NetworkPolicy(grants(text)).decide(host, port).kind === "allow",
          );
          const got = both.decide(host, port).kind === "allow";
          expect(got, `${one} and ${other}: ${host}:${port}`).toBe(each);
          if (got) allowed++;
        }
      }
    }
  }
  expect(allowed).toBeGreaterThan(50);
});

test("it is written as a grant", () => {
  expect(
    intersection(grants("*.a.org:*", "x.org"), grants("b.a.org:443", "x.org")).map(formatNetworkGrant),
  ).toEqual(["b.a.org:443", "x.org"]);
});
