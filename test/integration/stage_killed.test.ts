import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { type Brokered, openBrokered } from "../../src/broker/stage/brokered.ts";
import { type Committed, commitStage } from "../../src/broker/stage/commit.ts";
import { openKept } from "../../src/broker/undo/kept_run.ts";
import { readProgress, type Stage } from "../../src/files/stage_place.ts";
import { Arena } from "../support/arena.ts";
import { SALLYPORT } from "../support/confined.ts";
import { HANDMADE_RUN, handmadeStage, putFile, putWhiteout } from "../support/handmade_stage.ts";
import { commitOf, stagesOf } from "../support/staged.ts";

beforeEach((context) => {
  if (process.geteuid!() !== 0)
    context.skip("skipped: needs root to make whiteouts, this machine has a user");
});

/** A commit that stops for good before or after its Nth request, as if its process were gone: nothing is tidied up. */
async function killedAt(
  state: string,
  stage: Stage,
  step: number,
  when: "before" | "after",
): Promise<boolean> {
  const brokered = await openBrokered(state, stage, readProgress(stage), "commit");
  let isDead = false;
  let steps = 0;
  const living = <T>(act: () => T): T => {
    if (isDead) throw new Error("killed");
    return act();
  };
  const killed: Brokered = {
    ...brokered,
    judge: (request) => living(() => brokered.judge(request)),
    asPerson: (act) => living(() => brokered.asPerson(act)),
    ownDirectory: (path) => living(() => brokered.ownDirectory(path)),
    async perform(request) {
      steps++;
      if (steps === step && when === "before") isDead = true;
      const outcome = await living(() => brokered.perform(request));
      if (steps === step) isDead = true;
      return living(() => outcome);
    },
  };
  await commitStage(state, stage, killed, []).catch((error: unknown) => {
    if (!isDead) throw error;
  });
  await brokered.close("killed");
  return isDead;
}

async function commit(state: string, stage: Stage): Promise<Committed> {
  const brokered = await openBrokered(state, stage, readProgress(stage), "commit");
  try {
    return await commitStage(state, stage, brokered, []);
  } finally {
    await brokered.close("done");
  }
}

/** What stands in the workspace, in one comparable text; what a commit prepares is left out. */
function contentOf(arena: Arena): string[] {
  return readdirSync(arena.workspace, { recursive: true, withFileTypes: true })
    .filter(({ name, parentPath }) => !`${parentPath}/${name}`.includes("/.sallyport-"))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path.slice(arena.workspace.length + 1)} ${entry.isFile() ? readFileSync(path, "utf8") : "-"}`;
    })
    .sort();
}

const BEFORE = [
  "a old",
  "gone x",
  "kind -",
  "kind/f f",
  "tree -",
  "tree/one 1",
  "tree/two -",
  "tree/two/three 3",
];
const AFTER = ["a new", "kind file", "link -", "made -", "made/inner -", "made/inner/f fresh"];
/** Each of these stands as a whole: before, or after. */
const WHOLE = [/^a /, /^gone /, /^kind/, /^tree/, /^link /, /^made\/inner\/f /];

async function scene(arena: Arena): Promise<Stage> {
  for (const line of BEFORE.filter((one) => !one.endsWith(" -"))) {
    const [name = "", text = ""] = line.split(" ");
    arena.put(`workspace/${name}`, text);
  }
  return await handmadeStage(arena, (at) => {
    putFile(at("a"), "new");
    for (const name of ["gone", "tree"]) putWhiteout(at(name));
    putFile(at("kind"), "file");
    putFile(at("made/inner/f"), "fresh");
    symlinkSync("a", at("link"));
  });
}

test.each(["before", "after"] as const)(
  "a commit that ends %s any of its steps has done each change whole or not at all, and can be repeated",
  async (when) => {
    let step = 1;
    for (let isKilled = true; isKilled; step++) {
      using arena = new Arena();
      const stage = await scene(arena);
      expect(contentOf(arena)).toEqual(BEFORE);
      isKilled = await killedAt(arena.state, stage, step, when);
      const between = contentOf(arena);
      for (const part of WHOLE) {
        const found = between.filter((line) => part.test(line));
        const whole = [BEFORE, AFTER].map((lines) => lines.filter((line) => part.test(line)));
        expect(whole, `step ${step}`).toContainEqual(found);
      }
      const done = await commit(arena.state, stage);
      expect(done.kept, `step ${step}`).toEqual([]);
      expect(done.isComplete).toBe(true);
      expect(contentOf(arena), `step ${step}`).toEqual(AFTER);
      expect(readdirSync(arena.workspace).filter((name) => name.startsWith("."))).toEqual([]);
    }
    expect(step).toBeGreaterThan(25);
  },
  300_000,
);

test("what a commit had done when it ended at any of its steps can be put back", {
  timeout: 300_000,
}, async () => {
  let step = 1;
  for (let isKilled = true; isKilled; step++) {
    using arena = new Arena();
    const stage = await scene(arena);
    isKilled = await killedAt(arena.state, stage, step, "after");
    restoreLog(arena, `${HANDMADE_RUN}.commit-1`);
    expect(contentOf(arena), `step ${step}`).toEqual(BEFORE);
  }
  expect(step).toBeGreaterThan(25);
});

function restoreLog(arena: Arena, log: string): void {
  const kept = openKept(arena.state, log);
  try {
    const { items, failures } = kept.restore([]);
    // The directory of an earlier commit that was killed is another one when it has been put back.
    const isOwn = (path: string): boolean => path.endsWith(`/.sallyport-${HANDMADE_RUN}`);
    const left = items.filter(({ state, path }) => state === "kept" && !isOwn(path));
    expect({ log, failures, kept: left }).toEqual({
      log,
      failures: [],
      kept: [],
    });
  } finally {
    kept.close();
  }
}

test("commits that are killed with SIGKILL, again and again, end in what the run saw", async () => {
  using arena = new Arena();
  const names = Array.from({ length: 300 }, (_, index) => `d${index % 7}/f${index}`);
  for (const name of names.slice(0, 200)) arena.put(`workspace/${name}`, "old");
  await handmadeStage(arena, (at) => {
    for (const name of names.slice(100)) putFile(at(name), `new ${name}`);
    for (const name of names.slice(0, 100)) putWhiteout(at(name));
  });
  const command = [...SALLYPORT, "commit", HANDMADE_RUN, "--state", arena.state];
  let kills = 0;
  for (let delayMs = 150; stagesOf(arena).length > 0 && kills < 6; delayMs += 60) {
    const child = spawn(command[0]!, command.slice(1), { stdio: "ignore" });
    const ended = new Promise<NodeJS.Signals | null>((resolve) =>
      child.on("exit", (_, signal) => resolve(signal)),
    );
    await sleep(delayMs);
    child.kill("SIGKILL");
    if ((await ended) === "SIGKILL") kills++;
  }
  expect(kills).toBeGreaterThan(0);
  if (stagesOf(arena).length > 0) expect((await commitOf(arena, HANDMADE_RUN)).kept).toEqual([]);
  const files = contentOf(arena).filter((line) => !line.endsWith(" -"));
  expect(files).toEqual(
    names
      .slice(100)
      .map((name) => `${name} new ${name}`)
      .sort(),
  );
  expect(readdirSync(arena.workspace).filter((name) => name.startsWith("."))).toEqual([]);
  // The last one first, as they were made.
  const logs = readdirSync(join(arena.state, "runs")).filter((name) => name.includes(".commit-"));
  for (const log of logs.sort((one, two) => Number(two.split("-")[1]) - Number(one.split("-")[1])))
    if (existsSync(join(arena.state, "runs", log, "undo.journal"))) restoreLog(arena, log);
  expect(contentOf(arena).filter((line) => !line.endsWith(" -"))).toEqual(
    names
      .slice(0, 200)
      .map((name) => `${name} old`)
      .sort(),
  );
});
