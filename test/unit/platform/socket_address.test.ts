import fc from "fast-check";
import { expect, test } from "vitest";
import { readSocketAddress } from "../../../src/platform/socket_address.ts";

const bytes = (...parts: (number[] | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part)] : part)));
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

test.each([
  ["a file", bytes([1, 0], "/run/x\0"), { family: "unix", name: "pathname" }],
  ["an abstract name", bytes([1, 0, 0], "name"), { family: "unix", name: "abstract", text: "name" }],
  ["an empty abstract name", bytes([1, 0, 0]), { family: "unix", name: "abstract", text: "" }],
  [
    "an abstract name in no UTF-8",
    bytes([1, 0, 0, 255]),
    { family: "unix", name: "abstract", text: "\ufffd" },
  ],
  ["no name", bytes([1, 0]), { family: "unix", name: "none" }],
  ["a name that is too long", bytes([1, 0], "x".repeat(109)), { family: "invalid" }],
  [
    "IPv4",
    bytes([2, 0, 0x1f, 0x90, 127, 0, 0, 1], zeros(8)),
    { family: "inet", address: "127.0.0.1", port: 8080 },
  ],
  ["IPv4, cut", bytes([2, 0, 0, 80, 127, 0, 0]), { family: "invalid" }],
  [
    "IPv6",
    bytes([10, 0, 0, 80, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8], zeros(10), [0, 1, 7, 0, 0, 0]),
    { family: "inet6", address: "2001:db8::1", port: 80, scopeId: 7 },
  ],
  [
    "IPv6 without a scope",
    bytes([10, 0, 0, 80], zeros(4), zeros(16)),
    { family: "inet6", address: "::", port: 80, scopeId: 0 },
  ],
  [
    "IPv4 in IPv6",
    bytes([10, 0, 0, 80], zeros(4), zeros(10), [255, 255, 127, 0, 0, 1], zeros(4)),
    { family: "inet6", address: "::ffff:7f00:1", port: 80, scopeId: 0 },
  ],
  ["netlink", bytes([16, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0]), { family: "netlink", port: 5, groups: 1 }],
  ["unspecified", bytes([0, 0]), { family: "unspecified" }],
  ["another family", bytes([40, 0, 1, 2]), { family: "other", number: 40 }],
  ["half a family", bytes([1]), { family: "invalid" }],
  ["nothing", bytes([]), { family: "invalid" }],
])("%s", (_name, address, expected) => {
  expect(readSocketAddress(address)).toEqual(expected);
});

test("the text of an IPv6 address is that of the URL parser", () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const address = bytes(
        [10, 0, 0, 80, 0, 0, 0, 0],
        groups.flatMap((one) => [one >> 8, one & 255]),
        zeros(4),
      );
      const plain = groups.map((one) => one.toString(16)).join(":");
      expect(readSocketAddress(address)).toMatchObject({
        address: new URL(`http://[${plain}]/`).hostname.slice(1, -1),
      });
    }),
    { numRuns: 2000 },
  );
});

test("any bytes are answered", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), (address) => {
      expect(typeof readSocketAddress(address).family).toBe("string");
    }),
    { numRuns: 5000 },
  );
});
