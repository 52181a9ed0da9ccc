import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCommand, parseGreeting } from "../../../../src/broker/network/socks5.ts";
import { hostName } from "../../../../src/policy/host_name.ts";
import { parseIp } from "../../../../src/policy/ip_address.ts";

const connect = (name: string | Buffer, port = 80, command = 1, type = 3): Buffer =>
  Buffer.concat([
    Buffer.of(5, command, 0, type, name.length),
    Buffer.from(name),
    Buffer.of(port >> 8, port & 255),
  ]);

test.each([
  ["a name", connect("example.org"), { host: "example.org", port: 80 }],
  ["an IPv4 address", Buffer.of(5, 1, 0, 1, 10, 0, 0, 1, 0, 80), { host: "10.0.0.1", port: 80 }],
  ["a name with NUL", connect("elsewhere.test\0.example.org"), 2],
  ["a number for a name", connect("2130706433"), 2],
  ["port 0", connect("example.org", 0), 2],
  ["another command", connect("example.org", 80, 2), 7],
  ["another kind of address", connect("example.org", 80, 1, 9), 8],
])("%s", (_, bytes, value) => {
  expect(parseCommand(bytes)).toMatchObject({ kind: "value", value });
});

test("no bytes make it fail; what is connected to is one host name or one address", () => {
  const any = fc.uint8Array({ maxLength: 40 });
  const nearly = fc
    .tuple(fc.string({ unit: "binary-ascii", maxLength: 20 }), fc.nat(65535), fc.nat(20), fc.nat(255))
    .map(([name, port, at, value]) => {
      const bytes = connect(name, port);
      if (at < bytes.length) bytes[at] = value;
      return new Uint8Array(bytes);
    });
  fc.assert(
    fc.property(fc.oneof(any, nearly), (all) => {
      const bytes = Buffer.from(all);
      parseGreeting(bytes);
      const parsed = parseCommand(bytes);
      if (parsed.kind !== "value" || typeof parsed.value === "number") return;
      const { host, port } = parsed.value;
      expect(parseIp(host) !== null || hostName(host) === host).toBe(true);
      expect(port).toBeGreaterThan(0);
      expect(parsed.taken).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 3000 },
  );
});
