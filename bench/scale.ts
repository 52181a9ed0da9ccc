/**
 * `npm run bench:scale`: time of a decision and memory over rules and sessions, written as docs/scale.md and docs/scale.svg. One process,
 * which measures in the order of size, so that nothing large lies in the way of what is small.
 */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import type { Session } from "../src/broker/session.ts";
import { CapabilityTable } from "../src/broker/tokens/capability_table.ts";
import { compilePolicy, decide } from "../src/policy/decide.ts";
import { RIGHT } from "../src/policy/rights.ts";
import { BenchBroker } from "./broker.ts";
import { makePaths, makeRules, measure } from "./cases/decide.ts";
import { chain, open, residentKb } from "./cases/sessions.ts";
import { type Curve, chart } from "./chart.ts";
import { median } from "./measure.ts";

const RULES = [10, 100, 1_000, 10_000, 100_000];
const SESSIONS = [1, 10, 100, 1_000, 10_000];
const DECISIONS = 20_000;

const docs = join(dirname(createRequire(import.meta.url).resolve("#package")), "docs");

type Point = { readonly count: number; readonly timeUs: number; readonly memoryMb: number };

function overRules(): Point[] {
  return RULES.map((count) => {
    const before = residentKb();
    const policy = compilePolicy("scale", makeRules(count), 0x5a11);
    const memoryMb = Math.max(0, residentKb() - before) / 1024;
    return { count, timeUs: median(measure(policy, makePaths(count), DECISIONS)), memoryMb };
  });
}

async function overSessions(): Promise<Point[]> {
  const broker = new BenchBroker();
  const policy = compilePolicy("scale", makeRules(100_000), 0x5a11);
  const floorRule = { id: "f", effect: "allow", rights: RIGHT.read, pattern: "/usr/**", reason: "" } as const;
  const floor = { policy: compilePolicy("floor", [floorRule]), trees: [] };
  const whole: Session = { ...broker.session("deciding only"), policy };
  const table = new CapabilityTable();
  const sessions: Session[] = [open(table, chain(0), floor, whole)];
  const before = residentKb();
  const points = SESSIONS.map((count) => {
    while (sessions.length < count) sessions.push(open(table, chain(sessions.length), floor, whole));
    const memoryMb = Math.max(0, residentKb() - before) / 1024;
    return { count, timeUs: median(Array.from({ length: 15 }, () => decisions(sessions))), memoryMb };
  });
  await broker.close();
  return points;
}

/** µs of one decision by the profile and by the token of the session whose turn it is. */
function decisions(sessions: readonly Session[]): number {
  const before = process.cpuUsage();
  for (let i = 0; i < DECISIONS; i++) {
    const session = sessions[(i * 7919) % sessions.length]!;
    const request = { op: "open", path: `/w/d${(i % 8) * 2}/f`, flags: 1, mode: 0 } as const;
    decide(session.policy, request, 0);
    session.authority!.narrow(request);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / DECISIONS;
}

const rules = overRules();
const sessions = await overSessions();
const curve = (name: string, points: readonly Point[]): Curve => ({ name, points });
writeFileSync(
  join(docs, "scale.svg"),
  chart([curve("rules", rules), curve("sessions, over 100 000 rules", sessions)]),
);
const rows = (points: readonly Point[]): string =>
  points
    .map(({ count, timeUs, memoryMb }) => `| ${count} | ${timeUs.toFixed(2)} | ${memoryMb.toFixed(1)} |`)
    .join("\n");
writeFileSync(
  join(docs, "scale.md"),
  `# Time and memory over rules and sessions

Written by \`npm run bench:scale\` on ${cpus()[0]?.model.trim() ?? "an unknown processor"}, ${cpus().length} processors, Node ${process.version}. Times are
those of the processor, medians of batches; memory is what the process became larger by. \`npm run bench decide sessions\` holds the same
against the bars.

![Time of a decision over the number of rules and sessions, both axes logarithmic](scale.svg)

## Rules of one profile

| rules | µs a decision | MB of all rules |
|---|---|---|
${rows(rules)}

## Sessions with a token each, over 100 000 shared rules

A decision is by the profile and by the token.

| sessions | µs a decision | MB of all sessions |
|---|---|---|
${rows(sessions)}
`,
);
process.exit(0);
