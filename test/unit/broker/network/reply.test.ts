import fc from "fast-check";
import { expect, test } from "vitest";
import { BodyFraming } from "../../../../src/broker/network/body_framing.ts";
import { ChunkedBody } from "../../../../src/broker/network/chunked_body.ts";
import { ReplyReader } from "../../../../src/broker/network/reply_reader.ts";
import { ReplyScan } from "../../../../src/broker/network/reply_scan.ts";

/** Cuts bytes at any places. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

const places = fc.array(fc.nat(1000), { maxLength: 6 });
const SECRET = Buffer.from("aab-aab-secret");

test("a secret is found however the reply is cut, and nothing of it is passed", () => {
  const text = fc.array(fc.constantFrom("a", "b", "-", "aab-", "aab-aab-secre", "x"), { maxLength: 20 });
  fc.assert(
    fc.property(text, text, places, (before, after, at) => {
      const plain = before.join("");
      const whole = Buffer.from(`${plain}${SECRET.toString()}${after.join("")}`);
      const scan = new ReplyScan(SECRET);
      let passed = "";
      let found = false;
      for (const part of cut(whole, at)) {
        const taken = scan.take(part);
        found = taken === "found";
        if (taken === "found") break;
        passed += taken.toString();
      }
      expect(found).toBe(true);
      expect(plain.startsWith(passed)).toBe(true);
    }),
  );
});

test("a reply without the secret passes whole", () => {
  const text = fc.array(fc.constantFrom("a", "b", "-", "aab-", "aab-aab-secre", "x"), { maxLength: 20 });
  fc.assert(
    fc.property(text, places, (parts, at) => {
      const whole = Buffer.from(parts.join(""));
      fc.pre(!whole.includes(SECRET));
      const scan = new ReplyScan(SECRET);
      const passed = cut(whole, at).map((part) => scan.take(part) as Buffer);
      expect(Buffer.concat([...passed, scan.rest()])).toEqual(whole);
    }),
  );
});

test("chunks are taken apart however they are cut", () => {
  const content = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(content, places, fc.constantFrom("", ";a=b", " ;x"), (chunks, at, extension) => {
      const body = Buffer.concat([
        ...chunks.flatMap((chunk) => [
          Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`),
          Buffer.from(chunk),
          Buffer.from("\r\n"),
        ]),
        Buffer.from("0\r\nX-Trailer: 1\r\n\r\n"),
      ]);
      const chunked = new ChunkedBody();
      const taken = cut(body, at).map((part) => chunked.take(part));
      expect(taken).not.toContain("wrong");
      expect(Buffer.concat(taken as Buffer[])).toEqual(Buffer.concat(chunks));
      expect(chunked.isDone).toBe(true);
      // What a client sends is read more strictly, and to the same end.
      if (extension !== "") return;
      const framing = new BodyFraming("chunked");
      const strict = body.subarray(0, body.length - "X-Trailer: 1\r\n\r\n".length);
      expect(framing.take(Buffer.concat([strict, Buffer.from("\r\nGET")]))).toBe(strict.length + 2);
      expect(framing.isDone).toBe(true);
    }),
  );
});

test.each(["zz\r\n", "\r\n", "-1\r\n", "1\r\nxx\r\n", "fffffffffffffff\r\n", `1${" ".repeat(5000)}`])(
  "%j is no chunked body",
  (text) => {
    expect(new ChunkedBody().take(Buffer.from(text))).toBe("wrong");
  },
);

test.each([
  ["an encoded reply", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"],
  ["another transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"],
  ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["no reply", "SSH-2.0-x\r\n\r\n"],
  ["a head without end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`],
])("%s is not passed on", (_, text) => {
  expect(() => new ReplyReader("GET").take(Buffer.from(text))).toThrow("EPROTO");
});

test("interim replies are left out, and a reply to HEAD has no chunks", () => {
  const reader = new ReplyReader("HEAD");
  const text = "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  expect(reader.take(Buffer.from(text)).toString()).toBe("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
  expect(reader.mayEnd).toBe(true);
});

test("a chunked reply that ends early is not whole", () => {
  const reader = new ReplyReader("GET");
  reader.take(Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"));
  expect(reader.mayEnd).toBe(false);
  reader.take(Buffer.from("lo\r\n0\r\n\r\n"));
  expect([reader.mayEnd, reader.isDone]).toEqual([true, true]);
});
