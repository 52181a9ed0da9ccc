/** A live run is frozen, goes on, and is ended, by a person beside it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { survivors } from "../support/attack.ts";
import { placeVictim } from "../support/hostile.ts";
import { LiveRun, until } from "../support/live_run.ts";

const STEP = "i=0; while :; do i=$((i+1)); echo $i > n; done";

function beatOf(arena: Arena): bigint {
  return readFileSync(join(arena.workspace, "beat")).readBigUInt64LE();
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("a run that forks on and on is stopped whole within 50 ms, and goes on as if nothing had been", async () => {
  using arena = new Arena();
  await using run = new LiveRun(arena, [placeVictim(arena, "fork_storm"), "3"]);
  await until(() => run.stdout.includes("ready"), "the storm");
  for (let round = 0; round < 5; round++) {
    const frozen = await run.say("freeze", "--reason", `round ${round}`);
    expect(frozen.exitCode, frozen.stderr).toBe(0);
    const before = beatOf(arena);
    await pause(150);
    expect(beatOf(arena) - before, "something went on counting").toBe(0n);
    expect((await run.say("resume")).exitCode).toBe(0);
    await until(() => beatOf(arena) > before, "the way on");
  }
  const frozen = run.events().filter(({ event }) => event === "frozen");
  expect(frozen.length).toBe(5);
  for (const { moving, processes } of frozen) {
    expect(moving).toBe(0);
    expect(processes).toBeGreaterThan(3);
  }
  const tookMs = frozen.map((one) => Number(one["tookMs"])).sort((a, b) => a - b);
  expect(tookMs[2]).toBeLessThan(50);
  expect((await run.say("kill")).exitCode).toBe(0);
  expect(await run.ended).toBe(123);
  expect(survivors(arena)).toEqual([]);
});

test("what a run asks for while it is frozen waits, and is done when it goes on", async () => {
  using arena = new Arena();
  await using run = new LiveRun(arena, ["bash", "-c", STEP]);
  await until(() => existsSync(join(arena.workspace, "n")), "the first file");
  await run.say("freeze", "--reason", "to have a look");
  const size = (await run.records()).length;
  await pause(200);
  const records = await run.records();
  // One request may have been decided when the freeze came.
  expect(records.length - size).toBeLessThanOrEqual(1);
  expect(await run.status()).toMatchObject({ state: "frozen", by: "person", reason: "to have a look" });
  expect(run.stderr).toContain(`FROZEN: to have a look`);
  expect(run.stderr).toContain(`sallyport resume ${run.id}`);
  const notes = records.filter(({ extra }) => extra?.["contained"] === "frozen");
  expect(notes.map(({ extra }) => extra?.["reason"])).toEqual(["to have a look"]);
  const stopped = Number(readFileSync(join(arena.workspace, "n"), "utf8"));
  await run.say("resume");
  await until(() => Number(readFileSync(join(arena.workspace, "n"), "utf8")) > stopped + 3, "further files");
  expect(await run.status()).toMatchObject({ state: "running", reason: "" });
  await run.say("kill", "--reason", "enough");
  expect(await run.ended).toBe(123);
  expect(run.events().at(-1)).toMatchObject({ exitCode: 123, outcome: "ended by person: enough" });
  expect((await run.records()).at(-1)).toMatchObject({ kind: "run.end", extra: { exitCode: 123 } });
  expect(await run.status()).toBeUndefined();
  expect((await run.say("resume")).stderr).toContain("none of yours is live");
});

test("a frozen run does not go on because its broker is brought to the foreground, or its time is up", async () => {
  using arena = new Arena();
  await using run = new LiveRun(arena, [placeVictim(arena, "fork_storm"), "1"], {
    flags: ["--timeout", "6s"],
  });
  await until(() => run.stdout.includes("ready"), "the storm");
  await run.say("freeze");
  const before = beatOf(arena);
  run.child.kill("SIGCONT");
  await pause(200);
  expect(beatOf(arena)).toBe(before);
  expect(await run.ended).toBe(124);
  expect(beatOf(arena), "it went on when it was ended").toBe(before);
});

test("a run can only be resumed when it is frozen", async () => {
  using arena = new Arena();
  await using run = new LiveRun(arena, ["sleep", "100"]);
  await until(() => run.id !== "", "the start");
  await until(() => existsSync(join(arena.state, "runs", run.id, "control")), "the control socket");
  const resumed = await run.say("resume");
  expect(resumed.exitCode).toBe(125);
  expect(resumed.stderr).toContain("it is not frozen");
  await run.say("kill");
  expect(await run.ended).toBe(123);
});
