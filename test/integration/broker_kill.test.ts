import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runLogDir } from "../../src/audit/journal.ts";
import { readRecords } from "../../src/audit/read.ts";
import { Arena } from "../support/arena.ts";
import { survivors } from "../support/attack.ts";
import { type LogRecord, runCommand, sallyport } from "../support/confined.ts";
import { placeVictim } from "../support/hostile.ts";

const RUNS_A_WORKER = 100;
/** Effects that stay on disk for the comparison; later ones are made and removed. */
const KEPT = 200;

/** One run whose broker is killed `delayMs` after the program's first word. Gives the numbers that the program said were done. */
async function killed(arena: Arena, victim: string, delayMs: number): Promise<readonly number[]> {
  const [program = "", ...args] = runCommand(arena, [victim, String(KEPT)]);
  const child = spawn(program, args, { cwd: arena.workspace, stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (said === "") setTimeout(() => child.kill("SIGKILL"), delayMs);
    said += text;
  });
  // The pipe closes when the last process that holds it is gone: the watchdog has done its work.
  await once(child, "close");
  const lines = said.split("\n");
  // What stands after the last line's end was cut off by the end of the program.
  return lines.slice(0, -1).map(Number);
}

/** Compares what is on disk and what the program was told with what is in the log of its run. */
function compare(arena: Arena, run: string, done: readonly number[]): void {
  const records = [...readRecords(runLogDir(arena.state, run))] as unknown as LogRecord[];
  const key = ({ op, path, to }: LogRecord): string => `${op} ${path}${to === undefined ? "" : ` ${to}`}`;
  const intents = new Map(
    records.filter(({ kind }) => kind === "intent").map((record) => [key(record), record.seq]),
  );
  const outcomes = new Set(records.filter(({ kind }) => kind === "outcome").map(({ intent }) => intent));
  const at = (name: string): string => join(arena.workspace, name);
  const opened = (number: number): string => `open ${at(`file-${number}`)}`;
  const renamed = (number: number): string => `rename ${at(`file-${number}`)} ${at(`done-${number}`)}`;
  for (const name of readdirSync(arena.workspace)) {
    const [, what, digits = ""] = /^(file|done)-(\d+)$/.exec(name) ?? [];
    if (what === undefined) continue;
    expect(intents.has(opened(Number(digits))), `${name} exists without an intent`).toBe(true);
    if (what === "done")
      expect(intents.has(renamed(Number(digits))), `${name} exists without an intent`).toBe(true);
  }
  for (const number of done) {
    for (const act of [opened(number), renamed(number)]) {
      expect(outcomes.has(intents.get(act)), `"${act}" was acknowledged and has no outcome`).toBe(true);
    }
    if (number >= KEPT) expect(outcomes.has(intents.get(`unlink ${at(`done-${number}`)}`))).toBe(true);
  }
  expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index));
}

describe.concurrent("the broker killed at random moments", () => {
  test.each(["one", "two"])(
    `no effect without its intent, no acknowledged record lost: ${RUNS_A_WORKER} runs, worker %s`,
    {
      timeout: 300_000,
    },
    async () => {
      using arena = new Arena();
      const victim = placeVictim(arena, "effects");
      let acknowledged = 0;
      const known = new Set<string>();
      for (let round = 0; round < RUNS_A_WORKER; round++) {
        const done = await killed(arena, victim, Math.random() * 60);
        acknowledged += done.length;
        const [run = ""] = readdirSync(join(arena.state, "runs")).filter((id) => !known.has(id));
        known.add(run);
        compare(arena, run, done);
        for (const name of readdirSync(arena.workspace)) {
          if (/^(file|done)-/.test(name)) rmSync(join(arena.workspace, name));
        }
      }
      expect(acknowledged).toBeGreaterThan(RUNS_A_WORKER);
      expect(survivors(arena)).toEqual([]);
      const verified = await sallyport(arena, ["audit", "verify", "--state", arena.state]);
      expect(verified.exitCode, verified.stdout.slice(0, 2000) + verified.stderr).toBe(0);
      expect(verified.stdout.match(/ whole /g)?.length).toBe(RUNS_A_WORKER);
    },
  );
});
