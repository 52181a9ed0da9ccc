import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Workload } from "./workload.ts";

/** Pinned, and installed outside the project: nothing of ours needs them. */
const PACKAGES: Readonly<Record<string, string>> = {
  codex: "@openai/codex@0.169.0",
  claude: "@anthropic-ai/claude-code@2.1.331",
};

/** Where the agents of the tier are, installed when it is first asked. */
let directory: string | null = null;

export function agentsDirectory(): string {
  if (directory !== null) return directory;
  directory = mkdtempSync(join(tmpdir(), "sallyport-agents-"));
  // In one command: with --no-save a second one would take the first package out again.
  const how = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", directory];
  spawnSync("npm", ["install", ...how, ...Object.values(PACKAGES)], { timeout: 180_000, stdio: "ignore" });
  return directory;
}

export function removeAgents(): void {
  if (directory !== null) rmSync(directory, { recursive: true, force: true });
}

/** The program itself: the name that npm gives to one of them is only good after an install script. */
const PROGRAMS: Readonly<Record<string, string>> = {
  codex: ".bin/codex",
  claude: "@anthropic-ai/claude-code-linux-x64/claude",
};

const program = (name: string): string => join(agentsDirectory(), "node_modules", PROGRAMS[name]!);

function startUp(name: string): Workload {
  return {
    name: `${PACKAGES[name]!.replace(/@[^@]*$/, "")}: --version and --help`,
    kind: "starts",
    denials: {
      "default-deny": "it would keep its state in the home",
      "protected.agents": "it would keep its state in the home, with what instructs the next agent",
    },
    obstacle: () => (existsSync(program(name)) ? "" : `needs ${PACKAGES[name]} from the registry`),
    get reads() {
      return [agentsDirectory()];
    },
    get script() {
      return `${program(name)} --version && ${program(name)} --help | head -3`;
    },
  };
}

/** Its sandbox is bubblewrap's, which a run refuses; told to stand down, as `told` of own-sandboxes.yaml knows. */
const SHELL: Workload = {
  name: "@openai/codex: a sandboxed shell, told to leave that to the run",
  kind: "starts",
  denials: { "default-deny": "it would keep a daemon's directory in /tmp" },
  obstacle: () => (existsSync(program("codex")) ? "" : `needs ${PACKAGES["codex"]} from the registry`),
  get reads() {
    return [agentsDirectory()];
  },
  get script() {
    return `mkdir home; CODEX_HOME=$PWD/home ${program("codex")} sandbox -c 'sandbox_mode="danger-full-access"' -- sh -c 'seq 3 > out; cat out'`;
  },
};

export const AGENTS: readonly Workload[] = [...Object.keys(PACKAGES).map(startUp), SHELL];
