import { execFileSync } from "node:child_process";
import { accessSync, closeSync, constants, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadProfile } from "../../src/broker/profiles.ts";
import { startRun } from "../../src/broker/run.ts";
import { encodeRequest } from "../../src/protocol/codec.ts";
import { OPEN } from "../../src/protocol/message.ts";
import { Arena } from "../support/arena.ts";
import { placeVictim, REFUSED } from "../support/hostile.ts";
import { appearance } from "../support/scenes.ts";

const LAST_PID = "/proc/sys/kernel/ns_last_pid";

function obstacle(): string {
  try {
    accessSync(LAST_PID, constants.W_OK);
    return process.geteuid!() === 0 ? "" : "skipped: needs root, this is another user";
  } catch {
    return `skipped: needs ${LAST_PID}, this machine has none that can be written`;
  }
}

// By a shell: the thread of the broker, which is ours, has laid down what this takes.
// Without capabilities, as the processes of an ordinary user are.
const START_AS = `for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  echo $(($1 - 1)) > ${LAST_PID}
  setpriv --bounding-set=-all --inh-caps=-all sleep 60 < /dev/null > /dev/null 2>&1 &
  test $! = $1 && exit 0
  kill -9 $!
done
exit 1`;

for (const name of ["environ", "mem"]) {
  test(`a request heard when its sender is gone and another process has its number (${name}): is refused by the broker`, async (context) => {
    if (obstacle() !== "") context.skip(obstacle());
    using arena = new Arena();
    const path = `/proc/self/${name}`;
    arena.put("workspace/frame", encodeRequest(1, { op: "open", path, flags: OPEN.read, mode: 0 }));
    const nothing = openSync("/dev/null", "r+");
    const asked = appearance(arena.workspace, "pid");
    const run = await startRun({
      profile: loadProfile(":workspace"),
      workspace: arena.workspace,
      argv: [placeVictim(arena, "orphan_request"), "frame"],
      environment: process.env,
      state: arena.state,
      stdio: [nothing, nothing, nothing],
      terminalIndex: -1,
    });
    await asked;
    const pid = Number(readFileSync(join(arena.workspace, "pid"), "utf8"));
    // From here to the next turn of the event loop the broker, which is this process, hears nothing.
    arena.put("workspace/go", "");
    while (existsSync(`/proc/${pid}`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    execFileSync("/bin/sh", ["-c", START_AS, "sh", String(pid)], { env: { ...process.env, SECRET: "1" } });
    try {
      const end = await run.ended;
      expect(end.exitCode).toBe(REFUSED);
      expect(end.denied.map(({ denial }) => denial.rule)).toContain("process.others");
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });
}

test("programs asked for above the rate, and denied: leave none of their descriptors in the broker", async () => {
  using arena = new Arena();
  const request = { op: "exec", path: join(arena.outside, "file"), argv: ["x"], env: [], cwd: "/" } as const;
  arena.put("workspace/frame", encodeRequest(1, request));
  const nothing = openSync("/dev/null", "r+");
  const ask = async (count: string): Promise<void> => {
    const run = await startRun({
      profile: loadProfile(":workspace"),
      workspace: arena.workspace,
      argv: [placeVictim(arena, "exec_descriptors"), "frame", count],
      environment: process.env,
      state: arena.state,
      stdio: [nothing, nothing, nothing],
      terminalIndex: -1,
    });
    expect((await run.ended).exitCode).toBe(REFUSED);
  };
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  await ask("1");
  const before = descriptors();
  await ask("260");
  // The launcher of the last run is reaped after its end.
  await expect.poll(descriptors, { timeout: 5000 }).toBeLessThanOrEqual(before);
  closeSync(nothing);
});
