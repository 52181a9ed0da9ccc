import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { readFirst } from "../../../../src/broker/network/first_bytes.ts";
import { Relay } from "../../../../src/broker/network/relay.ts";
import { AS_IT_IS, splice } from "../../../../src/broker/network/splice.ts";
import { makeLevel } from "../../../../src/limits/gcra.ts";
import { binding } from "../../../../src/platform/binding.ts";
import { Listener, type Stream } from "../../../../src/platform/stream.ts";

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A program's end, and the broker's. */
async function pair(): Promise<{ far: Socket; near: Stream }> {
  const accepted: Stream[] = [];
  let told: () => void = () => {};
  const came = new Promise<void>((resolve) => {
    told = resolve;
  });
  const listener = new Listener(binding.openEndpoint("listen", LOOPBACK, 0), 8, (stream) => {
    accepted.push(stream);
    told();
  });
  const far = connect({ host: "127.0.0.1", port: listener.port, allowHalfOpen: true });
  far.on("error", () => {});
  await Promise.all([once(far, "connect"), came]);
  closers.push(() => {
    listener.close();
    far.destroy();
  });
  return { far, near: accepted[0]! };
}

function relayOf(perSecondKib: number, burstKib: number): Relay {
  const relay = new Relay(makeLevel("test", perSecondKib, burstKib));
  closers.push(() => relay.close());
  return relay;
}

async function joined(relay: Relay, idleMs = 60_000) {
  const inside = await pair();
  const outside = await pair();
  const splicing = splice(inside.near, outside.near, {
    first: Buffer.alloc(0),
    up: AS_IT_IS,
    down: AS_IT_IS,
    relay,
    idleMs,
  });
  return { inside: inside.far, outside: outside.far, splicing };
}

function received(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  return new Promise((resolve) => socket.on("end", () => resolve(Buffer.concat(parts))));
}

/** However it comes to be closed. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on("close", () => resolve()));
}

test("bytes pass both ways unchanged, each side may end first, and the counts are exact", async () => {
  const { inside, outside, splicing } = await joined(relayOf(1e7, 1e7));
  const up = Buffer.alloc(3_000_001, "up");
  const down = Buffer.alloc(5_000_003, "down");
  inside.end(up);
  const gotUp = await received(outside);
  outside.end(down);
  const gotDown = await received(inside);
  expect(gotUp.equals(up)).toBe(true);
  expect(gotDown.equals(down)).toBe(true);
  expect(await splicing.done).toEqual({ bytesUp: up.length, bytesDown: down.length, end: "done" });
});

test("a flow that is cut has written exactly what is on record", async () => {
  const { inside, outside, splicing } = await joined(relayOf(1e7, 1e7));
  const part = Buffer.alloc(200_000, "x");
  const source = (): void => {
    while (outside.write(part));
    outside.once("drain", source);
  };
  source();
  let size = 0;
  const closed = closing(inside);
  inside.on("data", (got: Buffer) => {
    size += got.length;
    if (size > 2_000_000) splicing.cancel();
  });
  const { bytesDown, end } = await splicing.done;
  await closed;
  expect(end).toBe("failed");
  // A reset takes what was not read yet away from the reader.
  expect(bytesDown).toBeGreaterThanOrEqual(size);
});

test("no more passes than the bucket has", async () => {
  const { inside, outside } = await joined(relayOf(200, 100));
  outside.end(Buffer.alloc(400 * 1024, "x"));
  const start = performance.now();
  const got = await received(inside);
  expect(got.length).toBe(400 * 1024);
  // 100 KiB at once, the other 300 at 200 a second.
  expect(performance.now() - start).toBeGreaterThan(1200);
});

test("a side that is reset ends the other", async () => {
  const { inside, outside, splicing } = await joined(relayOf(1e6, 1e6));
  const closed = closing(inside);
  outside.resetAndDestroy();
  expect((await splicing.done).end).toBe("failed");
  await closed;
});

test("without a byte for long enough both are closed", async () => {
  const { inside, splicing } = await joined(relayOf(1e6, 1e6), 50);
  const closed = closing(inside);
  expect((await splicing.done).end).toBe("idle");
  await closed;
});

test("a closed connection is not carried: its number may be another's", async () => {
  const relay = relayOf(1e6, 1e6);
  const { near } = await pair();
  const other = await pair();
  near.close();
  expect(() => relay.carry(near, other.near)).toThrow("ECANCELED");
});

test("one connection more than the listener holds is reset", async () => {
  const open: Stream[] = [];
  const listener = new Listener(binding.openEndpoint("listen", LOOPBACK, 0), 2, (stream) =>
    open.push(stream),
  );
  closers.push(() => listener.close());
  const ends: string[] = [];
  const sockets = await Promise.all(
    [0, 1, 2].map(async (at) => {
      const socket = connect(listener.port, "127.0.0.1");
      socket.on("error", () => ends.push(`${at}`)).resume();
      await new Promise((resolve) => socket.on("connect", resolve).on("close", resolve));
      return socket;
    }),
  );
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  await expect.poll(() => ends.length).toBe(1);
  expect(open).toHaveLength(2);
  open[0]!.close();
  const again = connect(listener.port, "127.0.0.1").on("error", () => {});
  closers.push(() => again.destroy());
  await expect.poll(() => open.length).toBe(3);
});

test("a head that comes too slowly closes the connection, and one that is too long is refused", async () => {
  const slow = await pair();
  const closed = closing(slow.far.resume());
  const drip = setInterval(() => slow.far.write("x"), 10);
  closers.push(() => clearInterval(drip));
  const bounds = { maxBytes: 100, timeoutMs: 80 };
  const more = () => ({ kind: "more" }) as const;
  expect((await readFirst(slow.near, Buffer.alloc(0), more, { ...bounds, maxBytes: 10_000 })).kind).toBe(
    "wrong",
  );
  await closed;
  const long = await pair();
  long.far.write("x".repeat(101));
  expect(await readFirst(long.near, Buffer.alloc(0), more, bounds)).toEqual({
    kind: "wrong",
    why: "too long",
  });
});
