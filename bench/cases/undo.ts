/** What it costs that a change can be put back: beside the plain change, and beside the same run without undo. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { BenchBroker } from "../broker.ts";
import { type Cost, place } from "../floor.ts";
import { compare, median, type Row, spread } from "../measure.ts";

const ROUNDS = 5;
const FILES = 200;
const MAX_ADDED_US = 40;
const CHANGES = ["truncate", "append", "unlink"] as const;

const root = dirname(createRequire(import.meta.url).resolve("#package"));
const program = join(root, "bench", "floors", "bin", "replace");

type How = "plain" | "journaled" | "off";

export async function run(): Promise<Row[]> {
  const broker = new BenchBroker();
  const directory = join(broker.workspace, "files");
  const rows: Row[] = [];
  const measure = (how: How, change: (typeof CHANGES)[number]): Cost => {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    for (let number = 0; number < FILES; number++)
      writeFileSync(join(directory, `f${number}`), Buffer.alloc(4096, 1));
    const command = [program, directory, String(FILES), change];
    const sallyport = join(root, "bin", "sallyport");
    const state = join(broker.directory, "undo-state");
    const flags = ["run", "--state", state, "--undo", how, "--read", dirname(program), "--"];
    const [file = "", ...args] =
      how === "plain" ? command : [process.execPath, sallyport, ...flags, ...command];
    const said = execFileSync(file, args, {
      cwd: broker.workspace,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return JSON.parse(said) as Cost;
  };
  try {
    place("one core");
    for (const change of CHANGES) {
      const rounds = Array.from({ length: ROUNDS }, () => ({
        plain: measure("plain", change).wallNs / 1e3,
        off: measure("off", change).wallNs / 1e3,
        kept: measure("journaled", change).wallNs / 1e3,
      }));
      if (change === "truncate") {
        const pairs = rounds.map(({ kept, plain }) => ({ value: kept, floor: plain }));
        rows.push(compare("replace a file of 4 KiB, undo kept / plain O_TRUNC, one core", "µs", pairs, 1));
        continue;
      }
      const added = rounds.map(({ kept, off }) => kept - off);
      rows.push({
        name: `${change} of a file of 4 KiB, added by undo, one core`,
        value: median(added),
        unit: "µs",
        floor: null,
        ratio: null,
        bar: MAX_ADDED_US,
        sense: "most",
        noise: Math.abs(spread(added)),
      });
    }
  } finally {
    place("default placement");
    await broker.close();
  }
  return rows;
}
