import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Arena } from "./arena.ts";
import { type Confined, confined } from "./confined.ts";
import { SHIM_LIBRARY, shimProgram } from "./shim_program.ts";
import { pythonObstacle } from "./vectors/shims.ts";
import { workbook } from "./workbook_fixture.ts";

const ROOT: string = new URL("../..", import.meta.url).pathname;
const AGENTS = join(ROOT, "test/integration/agents");

export type Failed = { readonly code: string; readonly errno: string; readonly rule: string };
export type Act = {
  readonly name: string;
  readonly act: string;
  readonly path: string;
  readonly to?: string;
  readonly text?: string;
  readonly mode?: number;
  readonly size?: number;
  readonly expect: "done" | Failed;
};
export type AgentVerdict =
  | { readonly name: string; readonly ok: true }
  | ({ readonly name: string; readonly ok: false } & Failed)
  | { readonly name: string; readonly skipped: string };

/** A program that does the acts inside a run. Add a line to AGENTS for another one. */
export type Agent = {
  readonly name: string;
  /** Why it can not be tried here, or "". */
  readonly obstacle: () => string;
  /** Puts what it needs into the arena and gives its command, what it may read, and its input. */
  readonly prepare: (arena: Arena) => {
    readonly command: readonly string[];
    readonly flags: readonly string[];
    readonly input?: string;
  };
};

export const ACTS: readonly Act[] = (
  JSON.parse(readFileSync(join(AGENTS, "acts.json"), "utf8")) as { acts: readonly Act[] }
).acts;

export const AGENT_LIST: readonly Agent[] = [
  {
    name: "C agent",
    obstacle: () => "",
    prepare: (arena) => {
      const program = join(arena.home, "agent");
      copyFileSync(shimProgram("../integration/agents/agent", "none"), program);
      return { command: [program], flags: ["--read", program], input: actLines(arena) };
    },
  },
  {
    name: "Python agent",
    obstacle: pythonObstacle,
    prepare: (arena) => {
      const { agent, acts } = put(arena, "agent.py");
      const packages = join(ROOT, "python");
      const flags = ["--read", packages, "--read", SHIM_LIBRARY, "--read", arena.home];
      return { command: [python(), agent, packages, acts, arena.outside], flags };
    },
  },
  {
    name: "TypeScript agent",
    obstacle: () => "",
    prepare: (arena) => {
      const { agent, acts } = put(arena, "agent.mjs");
      const flags = ["--read", dirname(process.execPath), "--read", arena.home];
      const client = join(ROOT, "dist/client/client.js");
      return { command: [process.execPath, agent, client, acts, arena.outside], flags };
    },
  },
];

/** A python3 that is found by its own name in a run as well. */
function python(): string {
  return execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
}

function put(arena: Arena, name: string): { agent: string; acts: string } {
  const text = (file: string): string => readFileSync(join(AGENTS, file), "utf8");
  return {
    agent: arena.put(`home/${name}`, text(name)),
    acts: arena.put("home/acts.json", text("acts.json")),
  };
}

function actLines(arena: Arena): string {
  const line = ({ name, act, path, to = "", text = "", mode, size }: Act): string =>
    [name, act, path, to, text.replaceAll("\n", "\\n"), mode ?? size ?? 0].join("\t");
  return `${ACTS.map(line).join("\n")}\n`.replaceAll("${outside}", arena.outside);
}

/** What one agent said, and what stands in the log about the workspace and about what no rule grants. */
export type Performance = {
  readonly run: Confined;
  readonly verdicts: readonly AgentVerdict[];
  readonly records: readonly string[];
};

export async function perform(agent: Agent, profile?: string): Promise<Performance> {
  using arena = new Arena();
  arena.put("workspace/seed", "seed\n");
  arena.put("workspace/.env", "SECRET=1\n");
  writeFileSync(join(arena.workspace, "book.xlsx"), workbook());
  arena.putRepository("workspace");
  const { command, flags, input } = agent.prepare(arena);
  const run = await confined(arena, command, {
    flags,
    ...(input === undefined ? {} : { input }),
    ...(profile === undefined ? {} : { profile: arena.put("home/profile.yaml", profile) }),
  });
  if (run.exitCode !== 0) throw new Error(`${agent.name} ended with ${run.exitCode}: ${run.stderr}`);
  const verdicts = run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AgentVerdict);
  return { run, verdicts, records: recordsOf(run, arena) };
}

function recordsOf({ records }: Confined, arena: Arena): readonly string[] {
  const concerns = (path: string | undefined): boolean =>
    path?.startsWith(arena.workspace) === true || path?.startsWith(arena.outside) === true;
  const short = (path: string | undefined): string =>
    (path ?? "").replaceAll(arena.workspace, "ws").replaceAll(arena.outside, "outside");
  const shown = records.filter(({ path }) => concerns(path));
  const numbers = new Set(shown.map(({ seq }) => seq));
  return records
    .filter(({ seq, kind, intent }) => numbers.has(seq) || (kind === "outcome" && numbers.has(intent!)))
    .map(({ kind, op, path, to, rule, errno }) =>
      [kind, op ?? "", short(path), short(to), rule ?? "", errno ?? ""].join(" "),
    );
}
