import { once } from "node:events";
import { createServer } from "node:net";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { judgeHello } from "../../../../src/broker/network/sni.ts";

/** What a real client says first. */
async function helloOf(servername: string | undefined): Promise<Buffer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: "127.0.0.1", ...(servername === undefined ? {} : { servername }) });
  client.on("error", () => {});
  const [socket] = await once(server, "connection");
  const [bytes] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

test("the name of a real ClientHello decides, whole or in pieces", async () => {
  const hello = await helloOf("example.org");
  expect(judgeHello("example.org")(hello)).toBe("pass");
  expect(judgeHello("other.example")(hello)).toBe("refuse");
  for (let size = 1; size < hello.length; size++)
    expect(judgeHello("example.org")(hello.subarray(0, size))).toBe("more");
  expect(judgeHello("example.org")(await helloOf("EXAMPLE.org"))).toBe("pass");
  expect(judgeHello("example.org")(await helloOf(undefined))).toBe("refuse");
});

test("a ClientHello that is cut into records is put together", async () => {
  const hello = await helloOf("example.org");
  const body = hello.subarray(5);
  const records = [body.subarray(0, 1), body.subarray(1, 60), body.subarray(60)].map((part) =>
    Buffer.concat([Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part]),
  );
  const whole = Buffer.concat(records);
  expect(judgeHello("example.org")(whole)).toBe("pass");
  expect(judgeHello("other.example")(whole)).toBe("refuse");
});

test("what is no ClientHello is refused when it begins as one, and passes when it does not", async () => {
  const hello = await helloOf("example.org");
  expect(judgeHello("example.org")(Buffer.from("SSH-2.0-x\r\n"))).toBe("pass");
  const spoilt = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(hello);
    bytes[at] = value;
    return bytes;
  };
  expect(judgeHello("example.org")(spoilt(5, 2))).toBe("refuse");
  expect(judgeHello("example.org")(spoilt(1, 9))).toBe("refuse");
  // A length that goes past the end, anywhere: never another name, never a fault.
  for (let at = 5; at < hello.length; at++) {
    const judged = judgeHello("other.example")(spoilt(at, 0xff));
    expect(["refuse", "more"]).toContain(judged);
  }
});
