/** Whole programs, as a user runs them, confined and not. Their own time: what `sallyport run` takes to start is left out. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BenchBroker } from "../broker.ts";
import { compare, type Row } from "../measure.ts";

const ROUNDS = 7;
const FILES = 2000;
/** Reads brokered, the default where secrets may lie in the workspace: shown so that its cost is known, not to be reached. */
const BAR_BROKERED = 6;

type Took = { readonly wallMs: number; readonly cpuMs: number };
type Work = {
  readonly name: string;
  readonly script: string;
  readonly measure: keyof Took;
  readonly bar: number;
};

const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));

const WORKS: readonly Work[] = [
  {
    name: "git status, log and commit on 2 000 files",
    script:
      'cd tree; for i in 1 2 3 4 5; do git status --short; git log --stat; echo "$RANDOM" > d1/f1; git commit -qam next; done >/dev/null',
    measure: "wallMs",
    bar: 1.05,
  },
  {
    name: "gcc, four files",
    script: "cd c; for i in 1 2 3; do gcc -O1 -c *.c; done",
    measure: "wallMs",
    bar: 1.05,
  },
  {
    name: "tsc --noEmit",
    script: `cd ts; node ${typescript}/bin/tsc --noEmit -p .`,
    measure: "wallMs",
    bar: 1.05,
  },
  {
    name: "grep -r over 2 000 files",
    script: "for i in 1 2 3 4 5; do grep -r no-such-text tree; done; true",
    measure: "cpuMs",
    bar: 1.35,
  },
];

export async function run(): Promise<Row[]> {
  const broker = new BenchBroker();
  prepare(broker.workspace);
  const state = join(broker.directory, "state");
  const rows: Row[] = [];
  for (const { name, script, measure, bar } of WORKS) {
    const native: { value: number; floor: number }[] = [];
    const brokered: { value: number; floor: number }[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      const floor = timed(broker.workspace, script, [])[measure];
      const value = timed(broker.workspace, script, confined(state, "native"))[measure];
      const dear = timed(broker.workspace, script, confined(state, "auto"))[measure];
      if (round < 0) continue;
      native.push({ value, floor });
      brokered.push({ value: dear, floor });
    }
    const what = measure === "wallMs" ? "wall" : "CPU of the program";
    rows.push(compare(`${name}, writes brokered, ${what}`, "ms", native, bar));
    rows.push(compare(`${name}, reads brokered too, ${what}`, "ms", brokered, BAR_BROKERED));
  }
  await broker.close();
  return rows;
}

function confined(state: string, reads: "native" | "auto"): string[] {
  const cli = join(dirname(fileURLToPath(import.meta.url)), "../../src/cli/main.js");
  return [process.execPath, cli, "run", "--reads", reads, "--read", typescript, "--state", state, "--"];
}

/** bash itself says how long the script took, and what it and its children used. */
function timed(workspace: string, script: string, prefix: readonly string[]): Took {
  const timing = `TIMEFORMAT='took %3R %3U %3S'; time { ${script}\n}`;
  const [program = "bash", ...args] = [...prefix, "bash", "-c", timing];
  const done = spawnSync(program, args, { cwd: workspace, encoding: "utf8", maxBuffer: 1 << 26 });
  const took = /took ([\d.]+) ([\d.]+) ([\d.]+)/.exec(done.stderr);
  if (done.status !== 0 || took === null)
    throw new Error(`"${script}" ended with ${done.status}: ${done.stderr}`);
  const [wall, user, system] = took.slice(1).map((text) => Number(text) * 1e3) as [number, number, number];
  return { wallMs: wall, cpuMs: user + system };
}

function prepare(workspace: string): void {
  for (let i = 0; i < FILES; i++) {
    const directory = join(workspace, "tree", `d${i % 40}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${i}`), `file ${i}\n`.repeat(40));
  }
  mkdirSync(join(workspace, "c"));
  for (let i = 0; i < 4; i++) {
    const body = Array.from(
      { length: 60 },
      (_, at) => `int f${i}_${at}(int x) { printf("%d", x); return x * ${at}; }`,
    );
    writeFileSync(
      join(workspace, "c", `${i}.c`),
      `#include <stdio.h>\n#include <stdlib.h>\n${body.join("\n")}\n`,
    );
  }
  mkdirSync(join(workspace, "ts"));
  writeFileSync(
    join(workspace, "ts", "tsconfig.json"),
    '{"compilerOptions":{"strict":true,"types":[]},"include":["*.ts"]}',
  );
  for (let i = 0; i < 40; i++) {
    writeFileSync(
      join(workspace, "ts", `m${i}.ts`),
      `export const v${i}: number[] = [1, 2].map((x) => x * ${i});\n`,
    );
  }
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", join(workspace, "tree"), ...args], { stdio: "ignore" });
  git("init", "-q");
  git("config", "user.name", "bench");
  git("config", "user.email", "bench@localhost");
  git("config", "gc.auto", "0");
  git("add", ".");
  git("commit", "-qm", "first");
}
