import { compilePolicy, decidePath, type Policy, type Rule } from "../../src/policy/decide.ts";
import { ALL_RIGHTS, RIGHT } from "../../src/policy/rights.ts";
import { policyOf, searchHostile } from "../hostile_search.ts";
import { median, type Row, spread } from "../measure.ts";

const BATCHES = 41;
const PATHS = 1_000;
const SHAPES = ["reports/*.pdf", "drafts/*.md", "src/**", "data/**/*.csv", "config.json"];
const HITS = [
  "reports/q3.pdf",
  "drafts/plan.md",
  "src/lib/core/index.ts",
  "data/eu/2026/a.csv",
  "config.json",
];
const MISSES = [
  "reports/q3.exe",
  "draft/plan.md",
  "lib/src/core/index.ts",
  "data/eu/2026/a.tsv",
  "config.yaml",
];

/** Time of one decision in µs of process CPU time, median of batches: rule sets of three sizes, and hostile paths. */
export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [count, bar] of [
    [10, 0.4],
    [1_000, 0.5],
    [100_000, 0.7],
  ] as const) {
    const policy = compilePolicy("bench", makeRules(count), 0x5a11);
    rows.push(row(`decide, ${count} rules`, measure(policy, makePaths(count), 40_000), bar));
  }
  const guarded = compilePolicy("bench", [...makeRules(1_000), ...protections()], 0x5a11);
  rows.push(
    row("decide, 1000 rules and 7 denied names anywhere", measure(guarded, makePaths(1_000), 40_000), 0.7),
  );
  for (const [name, policy, path] of hostileCases()) {
    rows.push(row(`decide, hostile: ${name}`, measure(policy, [path], 400), 50));
  }
  const found = searchHostile(Number(process.env["BENCH_SEED"] ?? 0x5a11));
  const name = `decide, hostile: ${found.patterns.length} patterns and a path of ${found.path.length} found by search`;
  rows.push(row(name, measure(policyOf(found), [found.path], 400), 50));
  return rows;
}

function row(name: string, samples: readonly number[], bar: number): Row {
  const value = median(samples);
  return { name, unit: "µs", value, floor: null, ratio: null, bar, sense: "most", noise: spread(samples) };
}

export function makeRules(count: number): Rule[] {
  return Array.from({ length: count }, (_, i) =>
    grant(`r${i}`, `${placeOf(i)}/${SHAPES[i % SHAPES.length]}`),
  );
}

export function makePaths(count: number): string[] {
  return Array.from({ length: PATHS }, (_, i) => {
    const rule = Math.floor((i * count) / PATHS) % count;
    const names = i % 2 === 0 ? HITS : MISSES;
    return `${placeOf(rule)}/${names[rule % names.length]}`;
  });
}

function placeOf(rule: number): string {
  const place = Math.floor(rule / SHAPES.length);
  return `/mnt/allowed/tenant${place % 100}/proj${Math.floor(place / 100)}`;
}

function grant(id: string, pattern: string): Rule {
  return { id, effect: "allow", rights: RIGHT.read, pattern, reason: "bench" };
}

function protections(): Rule[] {
  const patterns = [
    "**/.env*",
    "**/.git/hooks/**",
    "**/.ssh/**",
    "**/*.pem",
    "**/*.key",
    "**/.npmrc",
    "**/id_*",
  ];
  return patterns.map((pattern, i) => ({ ...grant(`d${i}`, pattern), effect: "deny", rights: ALL_RIGHTS }));
}

function hostileCases(): [string, Policy, string][] {
  const everywhere = [...makeRules(1_000), grant("ws", "/**"), ...protections()];
  const runs = [grant("a", "/**/*a*a*a*a*a*a*a*a"), grant("b", "/**/?a*a*a*a*a*a*a*b")];
  const deep = Array.from({ length: 64 }, (_, i) => grant(`x${i}`, `/**${"/a".repeat(i % 30)}/*${i}/**/z`));
  return [
    ["2048 unknown segments", compilePolicy("deny everywhere", everywhere, 1), "/b".repeat(2_048)],
    ["682 known segments", compilePolicy("deny everywhere", everywhere, 1), "/.git/hooks".repeat(341)],
    ["one name of 4095 units", compilePolicy("runs", runs, 1), `/${"a".repeat(4_094)}c`],
    ["64 patterns with two runs of segments", compilePolicy("deep", deep, 1), "/a".repeat(2_047)],
  ];
}

export function measure(policy: Policy, paths: readonly string[], decisions: number): number[] {
  const samples: number[] = [];
  let allowed = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const before = process.cpuUsage();
    for (let i = 0; i < decisions; i++) {
      if (decidePath(policy, paths[i % paths.length]!, RIGHT.read).kind === "allow") allowed++;
    }
    const { user, system } = process.cpuUsage(before);
    samples.push((user + system) / decisions);
  }
  if (allowed < 0) throw new Error("never: keeps the loop from being removed");
  return samples;
}
