import { readdirSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { Arena, fingerprint } from "./arena.ts";
import type { Confined, ConfinedOptions } from "./confined.ts";
import { compileVictim, KILLED, REFUSED, runPlain, runVictim, SUCCEEDED } from "./hostile.ts";
import type { ExecuteOptions } from "./process.ts";

/**
 * Who answers. "broker": a trapped or refused call, so there is a record. "landlock" and "filter": the kernel by itself, nothing
 * to record. "kill": the filter ends the program.
 */
export type Layer = "broker" | "landlock" | "filter" | "kill";

/** What an attack needs around it; `close` is called when it is over. */
export type Scene = {
  readonly args: readonly string[];
  /** Further options of `sallyport run`. */
  readonly flags?: readonly string[];
  /** A descriptor that becomes the victim's input. */
  readonly input?: number;
  /** Throws when what was to be protected has been touched; asked after the run inside only. */
  readonly untouched?: () => void;
  readonly close?: () => void | Promise<void>;
};

export type Attack = {
  /** A sentence without subject: "reads ...". */
  readonly name: string;
  readonly victim: string;
  readonly args?: readonly string[];
  /** Prepares the arena and gives the arguments; in place of `args`. */
  readonly scene?: (arena: Arena) => Scene | Promise<Scene>;
  /** A victim that sets the stage and starts the command that follows it: sallyport, or the attack itself. */
  readonly within?: string;
  readonly layer: Layer;
  /** For the broker: the rules of which at least one must be in the records. */
  readonly rule?: RegExp;
  /**
   * "succeeds": without Sallyport it works. "harmless": it fails there too, and must inside. Else the reason why the control
   * can not be run.
   */
  readonly control: "succeeds" | "harmless" | { readonly impossible: string };
  /** What a machine may lack for the control to succeed; the test is then skipped, after the run inside has been judged. */
  readonly mayLack?: string;
  readonly options?: ConfinedOptions;
  /** Further judgement; the outside directory has been compared already. */
  readonly afterwards?: (run: Confined, arena: Arena) => void | Promise<void>;
};

const HOW: Readonly<Record<Layer, string>> = {
  broker: "is refused by the broker and recorded",
  landlock: "is refused by Landlock",
  filter: "is refused by the filter",
  kill: "ends the program",
};

/** Declares the test of one attack: it works outside, is refused inside, leaves its object as it was, and is on record. */
export function attack(what: Attack): void {
  test(`${what.name}: ${HOW[what.layer]}`, async (context) => {
    const { lacking, endsAnyway } = await control(what);
    using arena = new Arena();
    const scene = await what.scene?.(arena);
    try {
      const before = fingerprint(arena.outside);
      const flags = [...(scene?.flags ?? []), ...(what.options?.flags ?? [])];
      const options = { ...what.options, ...within(what), flags, ...streams(scene) };
      const run = await runVictim(arena, what.victim, scene?.args ?? what.args ?? [], options);
      const said = `${run.stdout}${run.stderr}`;
      expect(what.layer === "kill" ? [KILLED, ...endsAnyway] : [REFUSED], said).toContain(run.exitCode);
      expect(fingerprint(arena.outside), said).toBe(before);
      expect(survivors(arena)).toEqual([]);
      if (what.layer === "broker") expectRecorded(run, what.rule);
      scene?.untouched?.();
      await what.afterwards?.(run, arena);
    } finally {
      await scene?.close?.();
    }
    if (lacking !== "") context.skip(lacking);
  });
}

/** What the attack comes to without Sallyport. */
type Control = {
  /** Why it can not be shown here, or "". */
  readonly lacking: string;
  /** How the machine itself ends a program that tries what it lacks: a signal, as an exit code. */
  readonly endsAnyway: readonly number[];
};

const SHOWN: Control = { lacking: "", endsAnyway: [] };

async function control(what: Attack): Promise<Control> {
  if (typeof what.control === "object") return SHOWN;
  using arena = new Arena();
  const scene = await what.scene?.(arena);
  try {
    const plain = await runPlain(arena, what.victim, scene?.args ?? what.args ?? [], {
      ...within(what),
      ...streams(scene),
    });
    const expected = what.control === "succeeds" ? SUCCEEDED : REFUSED;
    if (plain.exitCode !== expected && what.mayLack !== undefined) {
      const signalled = plain.exitCode > 128;
      const has = signalled ? `it ended by signal ${plain.exitCode - 128}` : plain.stdout.trim();
      return {
        lacking: `skipped: needs ${what.mayLack}, this machine has: ${has}`,
        endsAnyway: signalled ? [plain.exitCode] : [],
      };
    }
    expect(plain.exitCode, `the control says: ${plain.stdout}${plain.stderr}`).toBe(expected);
    return SHOWN;
  } finally {
    await scene?.close?.();
  }
}

function within(what: Attack): Pick<ExecuteOptions, "within"> {
  return what.within === undefined ? {} : { within: [compileVictim(what.within)] };
}

function streams(scene: Scene | undefined): Pick<ExecuteOptions, "stdio"> {
  return scene?.input === undefined ? {} : { stdio: [scene.input, "pipe", "pipe"] };
}

/** Refusals are on record, and the report counts and names the same ones. */
function expectRecorded(run: Confined, rule: RegExp | undefined): void {
  // ENOENT: nothing was there, which is no matter for the report.
  const denials = run.records.filter(({ kind, errno }) => kind === "deny" && errno !== "ENOENT");
  const rules = denials.map((record) => record.rule ?? "");
  expect(rules.length, `no denial on record: ${run.stdout}`).toBeGreaterThan(0);
  if (rule !== undefined)
    expect(
      rules.some((one) => rule.test(one)),
      `${rule} is none of ${[...new Set(rules)]}`,
    ).toBe(true);
  expect(run.report?.denials).toBe(denials.length);
  const reported = (run.report?.denied ?? []).reduce((sum, { count }) => sum + count, 0);
  expect(reported).toBe(denials.length);
}

/** The pids of processes that run something out of the arena: after a run there must be none. */
export function survivors(arena: Arena): number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const places = [readlinkSync(`/proc/${name}/exe`), readlinkSync(`/proc/${name}/cwd`)];
      if (places.some((place) => place.startsWith(`${arena.workspace}/`) || place === arena.workspace)) {
        found.push(Number(name));
      }
    } catch {
      // It has ended meanwhile, or is a kernel thread.
    }
  }
  return found.filter((pid) => pid !== process.pid);
}
