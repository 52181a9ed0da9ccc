/**
 * `npm start`: the main job on real input. A scratch copy of this repository is worked on by unmodified programs under
 * `:workspace`; then an agent does what it must not. Exit 0 only when each act went as it must.
 */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { runLogDir } from "../audit/journal.ts";
import { readRecords } from "../audit/read.ts";
import { verifyRun } from "../audit/verify.ts";
import { findProgram } from "../broker/find_program.ts";
import { loadProfile } from "../broker/profiles.ts";
import { startRun } from "../broker/run.ts";
import type { RunEnd } from "../broker/run_facts.ts";
import { type Act, agentActs, workActs } from "./demo_acts.ts";

export type Scene = {
  readonly scratch: string;
  readonly workspace: string;
  readonly home: string;
  readonly state: string;
  readonly outside: string;
  readonly packageRoot: string;
  readonly tcpPort: number;
  readonly socketPath: string;
  readonly neighbourPid: number;
};

type Row = {
  readonly act: string;
  readonly verdict: string;
  readonly rule: string;
  readonly asItMust: boolean;
};

const packageRoot = dirname(createRequire(import.meta.url).resolve("#package"));
const scratch = mkdtempSync("/tmp/sallyport-demo-");
const neighbour = spawn("sleep", ["600"], { stdio: "ignore" });
const servers: Server[] = [];
const rows: Row[] = [];
let logsAreWhole = true;
try {
  const scene = await prepare();
  console.log("An agent works on a copy of this repository, confined by the profile :workspace.\n");
  console.log("What it is asked to do, with the programs it would use anyway:");
  for (const act of workActs(scene)) await perform(act, scene);
  console.log("\nWhat it must not do:");
  for (const act of agentActs(scene)) await perform(act, scene);
} finally {
  neighbour.kill("SIGKILL");
  for (const server of servers) server.close();
  rmSync(scratch, { recursive: true, force: true });
}
table();
const good = logsAreWhole && rows.every((row) => row.asItMust);
console.log(
  `\naudit: ${rows.length} runs, each log ${logsAreWhole ? "verified against its signed head" : "NOT WHOLE"}`,
);
console.log(good ? "Each act went as it must." : "Something went otherwise than it must.");
process.exit(good ? 0 : 1);

async function prepare(): Promise<Scene> {
  const workspace = join(scratch, "workspace");
  const home = join(scratch, "home");
  const outside = join(scratch, "outside");
  for (const directory of [home, outside, join(home, ".ssh")]) mkdirSync(directory, { recursive: true });
  writeFileSync(join(home, ".ssh", "id_ed25519"), "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted\n", {
    mode: 0o600,
  });
  copyRepository(workspace);
  const tcp = createServer((socket) => socket.end("reached\n"));
  const socketPath = join(outside, "service.sock");
  const unix = createServer((socket) => socket.end("reached\n"));
  servers.push(tcp, unix);
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => unix.listen(socketPath, resolve));
  const address = tcp.address();
  return {
    scratch,
    workspace,
    home,
    outside,
    packageRoot,
    state: join(scratch, "state"),
    tcpPort: typeof address === "object" && address !== null ? address.port : 0,
    socketPath,
    neighbourPid: neighbour.pid ?? 0,
  };
}

/** Where python3 and node lie when they are no system programs: the planted home is not the one they were installed in. */
function toolRoots(): string[] {
  const roots = ["python3", "node"].map((name) =>
    dirname(dirname(findProgram(name, process.env["PATH"], "/"))),
  );
  return [...new Set(roots.filter((root) => root !== "/usr" && root !== "/"))];
}

/** A clone where this is a checkout, else a copy of the installed files with a history of one commit. */
function copyRepository(workspace: string): void {
  const git = (...args: string[]): void => {
    execFileSync("git", args, { stdio: "ignore" });
  };
  try {
    git("clone", "--quiet", "--no-hardlinks", packageRoot, workspace);
  } catch {
    // Not a checkout: an installed package has no history of its own.
    mkdirSync(workspace);
    execFileSync("cp", ["-r", join(packageRoot, "dist"), join(packageRoot, "package.json"), workspace]);
    git("-C", workspace, "init", "--quiet");
    git("-C", workspace, "add", "-A");
    git(
      "-C",
      workspace,
      "-c",
      "user.name=demo",
      "-c",
      "user.email=demo@localhost",
      "commit",
      "-qm",
      "Installed files",
    );
  }
  git("-C", workspace, "config", "user.name", "agent");
  git("-C", workspace, "config", "user.email", "agent@localhost");
}

async function perform(act: Act, scene: Scene): Promise<void> {
  const output = join(scene.scratch, "output");
  const sink = openSync(output, "w");
  const nothing = openSync("/dev/null", "r");
  let end: RunEnd;
  try {
    const run = await startRun({
      profile: loadProfile(":workspace"),
      workspace: scene.workspace,
      home: scene.home,
      state: scene.state,
      argv: act.argv,
      environment: process.env,
      reads: toolRoots(),
      stdio: [nothing, sink, sink],
      terminalIndex: -1,
    });
    end = await run.ended;
  } finally {
    closeSync(sink);
    closeSync(nothing);
  }
  const said = readFileSync(output, "utf8").trim();
  const log = runLogDir(scene.state, end.run);
  const verified = verifyRun(log, { vkey: readFileSync(join(scene.state, "keys", "log.vkey"), "utf8") });
  logsAreWhole &&= verified.ok;
  const denials = [...readRecords(log)].filter((record) => record.kind === "deny");
  const asItMust = act.asItMust({ end, said, denials, scene });
  const rule = end.denied.at(-1)?.denial.rule ?? act.kernelRule ?? "-";
  rows.push({
    act: act.name,
    verdict: act.verdict(end),
    rule: act.expects === "done" ? "-" : rule,
    asItMust,
  });
  console.log(
    `  ${asItMust ? "as it must" : "WRONG     "}  ${act.name}${act.expects === "done" && said !== "" ? `: ${said.split("\n").at(-1)}` : ""}`,
  );
  if (!asItMust) console.log(said.replace(/^/gm, "      "));
}

function table(): void {
  const header = { act: "act", verdict: "verdict", rule: "rule" };
  const width = (key: keyof typeof header): number =>
    Math.max(...[header, ...rows].map((row) => row[key].length));
  const [first, second] = [width("act"), width("verdict")];
  console.log("");
  for (const row of [header, ...rows])
    console.log(`${row.act.padEnd(first)}  ${row.verdict.padEnd(second)}  ${row.rule}`);
}
