import fc from "fast-check";
import { expect, test } from "vitest";
import {
  MAX_HEAD_BYTES,
  originRequestHead,
  parseEndpoint,
  parseHead,
  parseOriginRequest,
  parseProxyRequest,
  parseReadReply,
  parseResponse,
} from "../../../../src/broker/network/http_head.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const PARSERS = [
  parseHead,
  parseProxyRequest,
  parseOriginRequest,
  parseResponse,
  (all: Buffer) => parseReadReply(all, "GET"),
] as const;

/** Text that is nearly a head: pieces of one, in any order, with anything in between. */
const nearly = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "GET http://a.example/ HTTP/1.1",
        "GET / HTTP/1.1",
        "CONNECT a.example:443 HTTP/1.1",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 100 Continue",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "Host: a.example\r\n",
        "Host: a.example:443\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close, host\r\n",
        " folded\r\n",
        "abc",
      ),
      fc.string({ unit: "binary", maxLength: 6 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => bytes(parts.join("")));

test("no bytes make a parser fail, and what it takes is there", () => {
  fc.assert(
    fc.property(nearly, (all) => {
      for (const parse of PARSERS) {
        const parsed = parse(all);
        if (parsed.kind === "value") expect(parsed.taken).toBeLessThanOrEqual(all.length);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a head means the same however it is cut", () => {
  fc.assert(
    fc.property(nearly, fc.nat(200), (all, at) => {
      for (const parse of PARSERS) {
        const whole = parse(all);
        const part = parse(all.subarray(0, at));
        // What a part says already, the whole does not take back.
        if (part.kind === "value") expect(whole).toEqual(part);
        if (part.kind === "wrong") expect(whole.kind).toBe("wrong");
      }
    }),
    { numRuns: 2000 },
  );
});

test("what is sent on is one head with one Host, of the host that was decided on", () => {
  fc.assert(
    fc.property(nearly, (all) => {
      const parsed = parseProxyRequest(all);
      if (parsed.kind !== "value" || parsed.value.kind !== "forward") return;
      const head = parsed.value.head.toString("latin1");
      expect(head.indexOf("\r\n\r\n")).toBe(head.length - 4);
      const again = parseHead(parsed.value.head);
      if (again.kind !== "value") throw new Error("no head");
      const hosts = again.value.fields.filter(({ name }) => name === "host");
      expect(hosts.map(({ value }) => parseEndpoint(value, 80))).toEqual([parsed.value.to]);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["too many fields", `GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n${"X: 1\r\n".repeat(200)}\r\n`],
  [
    "a length twice",
    "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
  ],
  [
    "a length and chunks",
    "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\n"],
  ["a path alone", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"],
  ["another scheme", "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"],
  ["a bare line feed", "GET http://a.example/ HTTP/1.1\nHost: a.example\n\r\n\r\n"],
])("the proxy refuses %s", (_, text) => {
  expect(parseProxyRequest(bytes(text)).kind).toBe("wrong");
});

test.each([
  ["an absolute form", "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"],
  ["an asterisk", "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n"],
  ["CONNECT", "CONNECT /x HTTP/1.1\r\nHost: a.example\r\n\r\n"],
  ["two Hosts", "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n"],
])("an endpoint refuses %s", (_, text) => {
  expect(parseOriginRequest(bytes(text)).kind).toBe("wrong");
});

test("a head that is never done is more, up to the bound", () => {
  const long = bytes(`GET http://a.example/ HTTP/1.1\r\nX: ${"x".repeat(MAX_HEAD_BYTES)}`);
  expect(parseProxyRequest(long).kind).toBe("more");
});

test("the broker's own field is there once, whatever the program says of it", () => {
  const field = fc.constantFrom(
    "Authorization: mine",
    "authorization: mine",
    "AUTHORIZATION:mine",
    "Connection: authorization",
    "Connection: keep-alive, Authorization, host",
    "Accept-Encoding: gzip",
    "Expect: 100-continue",
    "TE: trailers",
    "X-Other: 1",
  );
  fc.assert(
    fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
      const text = `GET /x HTTP/1.1\r\nHost: elsewhere.example\r\n${fields.map((one) => `${one}\r\n`).join("")}\r\n`;
      const parsed = parseOriginRequest(bytes(text));
      if (parsed.kind !== "value") throw new Error(parsed.kind);
      const own = { name: "authorization", value: "Bearer ours" };
      const head = parseHead(originRequestHead(parsed.value, "a.example", own));
      if (head.kind !== "value") throw new Error(head.kind);
      const of = (name: string) =>
        head.value.fields.filter((one) => one.name === name).map(({ value }) => value);
      expect(of("authorization")).toEqual(["Bearer ours"]);
      expect(of("host")).toEqual(["a.example"]);
      expect(of("accept-encoding")).toEqual(["identity"]);
      expect(of("connection")).toEqual(["close"]);
      expect(of("expect")).toEqual([]);
    }),
  );
});
