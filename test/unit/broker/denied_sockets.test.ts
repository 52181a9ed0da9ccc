import { beforeEach, expect, test } from "vitest";
import { deniedUnderOtherName } from "../../../src/broker/denied_sockets.ts";
import { compilePolicy, type Policy } from "../../../src/policy/decide.ts";
import { RIGHT } from "../../../src/policy/rights.ts";
import type { Stat } from "../../../src/protocol/message.ts";

const SOCKET: Stat = {
  kind: "socket",
  mode: 0o666,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  linkCount: 2,
  modifiedMs: 0,
  inode: 7,
  device: 1,
};
const DIRECTORY: Stat = { ...SOCKET, kind: "directory", inode: 2 };
const ENOENT = -2;

let policy: Policy;
let now = 0;
let wallShift = 0;
let looks = 0;
let denied: Stat | number = SOCKET;
const disk = {
  stat: (path: string | number): Stat | number => {
    looks++;
    return path === "/run/docker.sock" ? denied : DIRECTORY;
  },
  list: (): string[] => [],
};
const clock = { wallMs: () => 1e12 + now + wallShift, steadyMs: () => now };

/** `agoMs`: how long ago the socket was changed, by the wall. */
const judged = (found: Stat, agoMs: number) =>
  deniedUnderOtherName(found, 1e12 + now + wallShift - agoMs, policy, disk, clock)?.id ?? null;

beforeEach(() => {
  policy = compilePolicy("test", [
    {
      id: "sockets.containers",
      effect: "deny",
      rights: RIGHT.connect,
      pattern: "/run/docker.sock",
      except: [],
      reason: "",
      remedy: "",
    },
  ]);
  now = 10_000;
  wallShift = 0;
  denied = SOCKET;
  looks = 0;
});

test("a look at the denied names answers for sockets that were there before it", () => {
  expect(judged({ ...SOCKET, inode: 8 }, 5000)).toBeNull();
  expect(judged(SOCKET, 5000)).toBe("sockets.containers");
  const before = looks;
  now += 500;
  expect(judged(SOCKET, 5000)).toBe("sockets.containers");
  expect(judged({ ...SOCKET, inode: 8 }, 5000)).toBeNull();
  expect(looks).toBe(before);
});

test("a daemon that has just come is looked for", () => {
  denied = ENOENT;
  expect(judged(SOCKET, 5000)).toBeNull();
  denied = SOCKET;
  now += 300;
  expect(judged(SOCKET, 10)).toBe("sockets.containers");
});

test("a name more changes the socket, so it is looked for", () => {
  denied = ENOENT;
  expect(judged(SOCKET, 5000)).toBeNull();
  denied = SOCKET;
  now += 50;
  expect(judged(SOCKET, 0)).toBe("sockets.containers");
});

test.each([
  ["time has passed", 1001, 0],
  ["the clock was set back", 400, -3_600_000],
  ["the clock was set forward", 400, 3_600_000],
])("an older look is not believed when %s", (_, passedMs, shiftMs) => {
  denied = ENOENT;
  expect(judged(SOCKET, 50_000)).toBeNull();
  denied = SOCKET;
  now += passedMs;
  wallShift = shiftMs;
  expect(judged(SOCKET, 50_000)).toBe("sockets.containers");
});

test("a socket of unknown age is looked for each time", () => {
  denied = ENOENT;
  expect(judged(SOCKET, Number.NEGATIVE_INFINITY)).toBeNull();
  denied = SOCKET;
  expect(judged(SOCKET, Number.NEGATIVE_INFINITY)).toBe("sockets.containers");
});
