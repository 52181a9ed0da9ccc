/**
 * `npm run bench [-- --json] [case …]`: builds the C floors, runs each case in a process of its own, prints value, floor, ratio
 * and bar, and exits 1 when a bar is missed by more than the noise that the row states.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { passes, type Row } from "./measure.ts";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(createRequire(import.meta.url).resolve("#package"));
const args = process.argv.slice(2);
const wanted = args.filter((arg) => !arg.startsWith("--"));

const floors = join(root, "bench", "floors");
mkdirSync(join(floors, "bin"), { recursive: true });
for (const source of readdirSync(floors).filter((name) => name.endsWith(".c"))) {
  const binary = join(floors, "bin", source.slice(0, -2));
  execFileSync("gcc", ["-O2", "-Wall", "-pthread", "-o", binary, join(floors, source)], { stdio: "inherit" });
}

const rows: (Row & { pass: boolean })[] = [];
const broken: string[] = [];
for (const file of readdirSync(join(here, "cases"))
  .filter((name) => name.endsWith(".js"))
  .sort()) {
  const name = file.slice(0, -3);
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const script = `import { run } from ${JSON.stringify(join(here, "cases", file))}; console.log(JSON.stringify(await run()));process.exit(0)`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 24,
  });
  const last = done.stdout.trim().split("\n").at(-1) ?? "";
  if (done.status !== 0 || !last.startsWith("[")) {
    broken.push(name);
    continue;
  }
  for (const row of JSON.parse(last) as Row[]) rows.push({ ...row, pass: passes(row) });
}

if (args.includes("--json")) {
  console.log(JSON.stringify(rows, null, 1));
} else {
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} CPUs, Node ${process.version}`);
  const show = (value: number | null): string => (value === null ? "-" : value.toPrecision(4));
  for (const row of rows) {
    const measured = row.ratio === null ? "" : ` ratio ${row.ratio.toFixed(2)}`;
    const sign = row.sense === "most" ? "≤" : "≥";
    console.log(
      `${row.pass ? "pass" : "MISS"}  ${row.name}: ${show(row.value)} ${row.unit}, floor ${show(row.floor)},${measured} bar ${sign} ${row.bar} (noise ${(row.noise * 100).toFixed(0)} %)`,
    );
  }
}
for (const name of broken) console.error(`bench case "${name}" failed`);
process.exit(broken.length > 0 || rows.some((row) => !row.pass) ? 1 : 0);
