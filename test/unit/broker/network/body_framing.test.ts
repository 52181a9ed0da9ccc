import { expect, test } from "vitest";
import { BodyFraming } from "../../../../src/broker/network/body_framing.ts";

test("a body ends where its head said, and what follows is not part of it", () => {
  const framing = new BodyFraming(3);
  expect(framing.take(Buffer.from("ab"))).toBe(2);
  expect(framing.isDone).toBe(false);
  expect(framing.take(Buffer.from("cGET / HTTP/1.1"))).toBe(1);
  expect(framing.isDone).toBe(true);
  expect(framing.take(Buffer.from("more"))).toBe(0);
  expect(new BodyFraming(0).take(Buffer.from("x"))).toBe(0);
});

test("a chunked body ends with its last chunk, however it is cut", () => {
  const body = "4\r\nwiki\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
  for (let size = 1; size <= body.length; size++) {
    const framing = new BodyFraming("chunked");
    let taken = 0;
    for (let at = 0; at < body.length; at += size)
      taken += framing.take(Buffer.from(body.slice(at, at + size)));
    expect(taken).toBe(body.length);
    expect(framing.isDone).toBe(true);
    expect(framing.take(Buffer.from("GET"))).toBe(0);
  }
});

test.each([
  "x\r\n",
  "-1\r\n",
  "1;extension=1\r\n",
  "1\r\nab\r\n",
  "0\r\nTrailer: x\r\n\r\n",
  "123456789\r\n",
  " 1\r\n",
])("%j is no chunked body", (text) => {
  expect(new BodyFraming("chunked").take(Buffer.from(text))).toBe(-1);
});
