/** A channel asked for over a channel: where nothing is trapped this is the only way to one of one's own. */
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";
import { KERNEL_PROFILE } from "../support/kernel_profile.ts";

const HOARD = `
import socket, array, os
def frame(*entries):
    out = bytearray([0x90 | len(entries)])
    for entry in entries:
        if isinstance(entry, str): out += bytes([0xd9, len(entry)]) + entry.encode()
        else: out += bytes([0xcd, entry >> 8, entry & 255])
    return bytes(out)
shared = socket.socket(fileno=int(os.environ["SALLYPORT_FD"]))
held = []
def ask(channel, *request):
    channel.send(frame(*request))
    data, rest, _, _ = channel.recvmsg(65536, 256)
    for _, _, fds in rest:
        held.append(socket.socket(fileno=array.array("i", fds)[0]))
    return data
shared.send(frame("sallyport", 1)); shared.recv(65536)
answers = [ask(shared, 7, 1, "/run/sallyport/broker", 3, 0) for _ in range(100)]
print(len(held), sum(b"EMFILE" in answer for answer in answers))
channel = held[0]
channel.send(frame("sallyport", 1)); print(b"sallyport" in channel.recv(65536))
print(b"EACCES" in ask(channel, 9, 4, os.environ["HOME"] + "/made", 511))
for one in held: one.close()
held.clear()
import time
for _ in range(100):
    ask(shared, 8, 1, "/run/sallyport/broker", 3, 0)
    if held: break
    time.sleep(0.05)
print(len(held))
`;

test("no process hoards channels, and one that was asked for has no more authority than any", async () => {
  using arena = new Arena();
  const profile = arena.put("home/unmediated.yaml", KERNEL_PROFILE);
  const { exitCode, stdout, stderr, report } = await confined(arena, ["python3", "-c", HOARD], {
    profile,
    env: { HOME: arena.home },
  });
  expect(exitCode, stderr).toBe(0);
  // 64 in all, and the inherited one is one of them.
  expect(stdout.trimEnd().split("\n")).toEqual(["63 37", "True", "True", "1"]);
  expect(report?.denials).toBe(1);
});
