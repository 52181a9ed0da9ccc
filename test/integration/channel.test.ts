import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { expect, test } from "vitest";
import { binding, type NativeChannel } from "../../src/platform/binding.ts";

type Received = { text: string; pid: number; uid: number; fds: number[] };

function pair(): { broker: NativeChannel; client: NativeChannel; got: Received[]; closed: Promise<number> } {
  const [ours, theirs] = binding.socketPair();
  const got: Received[] = [];
  let tell: (errno: number) => void = () => {};
  const closed = new Promise<number>((resolve) => {
    tell = resolve;
  });
  const broker = binding.startChannel(
    ours,
    (bytes, pid, uid, _gid, fds) => got.push({ text: Buffer.from(bytes).toString(), pid, uid, fds }),
    (errno) => tell(errno),
  );
  const client = binding.startChannel(
    theirs,
    () => {},
    () => {},
  );
  return { broker, client, got, closed };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

test("frames keep their bounds, their descriptors and their sender", async () => {
  const { client, got, closed } = pair();
  const [, passed] = binding.socketPair();
  expect(client.send(Buffer.from("one"), -1)).toBe(0);
  expect(client.send(Buffer.from("two"), passed)).toBe(0);
  await settle();
  expect(got.map((each) => each.text)).toEqual(["one", "two"]);
  expect(got[0]).toMatchObject({ pid: process.pid, uid: process.getuid!(), fds: [] });
  expect(got[1]!.fds).toHaveLength(1);
  binding.closeFd(got[1]!.fds[0]!);
  client.close();
  expect(client.send(Buffer.from("late"), -1)).toBeLessThan(0);
  expect(await closed).toBe(0);
});

test("65536 bytes pass, one more is refused", async () => {
  const { client, got } = pair();
  expect(client.send(new Uint8Array(65536).fill(97), -1)).toBe(0);
  expect(client.send(new Uint8Array(65537), -1)).toBe(-constants.errno.EMSGSIZE);
  await settle();
  expect(got[0]!.text).toHaveLength(65536);
  client.close();
});

test("a full queue is EAGAIN and the descriptor is closed in every case", () => {
  const [ours, theirs] = binding.socketPair();
  const channel = binding.startChannel(
    theirs,
    () => {},
    () => {},
  );
  const before = readdirSync("/proc/self/fd").length;
  const chunk = new Uint8Array(32768);
  let answer = 0;
  for (let at = 0; at < 100 && answer === 0; at++) answer = channel.send(chunk, -1);
  expect(answer).toBe(-constants.errno.EAGAIN);
  const fd = binding.fsOpen("/dev/null", 0, 0, 0);
  expect(channel.send(chunk, fd)).toBe(-constants.errno.EAGAIN);
  expect(readdirSync("/proc/self/fd")).toHaveLength(before);
  channel.close();
  binding.closeFd(ours);
});
