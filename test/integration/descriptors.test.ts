import { closeSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadProfile } from "../../src/broker/profiles.ts";
import { startRun } from "../../src/broker/run.ts";
import { Arena } from "../support/arena.ts";

const descriptors = (): number => readdirSync("/proc/self/fd").length;

test("a broker holds no descriptor of a run that has ended", async () => {
  using arena = new Arena();
  const nothing = openSync("/dev/null", "r+");
  const once = async (): Promise<void> => {
    const run = await startRun({
      profile: loadProfile(":workspace"),
      workspace: arena.workspace,
      state: join(arena.home, "state"),
      argv: ["sh", "-c", "echo x > made; exec true"],
      environment: process.env,
      stdio: [nothing, nothing, nothing],
      terminalIndex: -1,
    });
    expect((await run.ended).exitCode).toBe(0);
  };
  // The first run opens what the process keeps: the thread pool's, the compiled filter's library.
  await once();
  await once();
  const before = descriptors();
  for (let round = 0; round < 5; round++) await once();
  // The launcher of the last run is reaped after its end.
  await expect.poll(descriptors, { timeout: 5000 }).toBeLessThanOrEqual(before);
  closeSync(nothing);
});
