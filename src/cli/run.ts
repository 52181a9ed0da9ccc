import { constants, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { isatty, WriteStream } from "node:tty";
import { printableMessage } from "../broker/denial.ts";
import { startRun } from "../broker/run.ts";
import type { RunEnd } from "../broker/run_facts.ts";
import type { RunOptions } from "../broker/run_options.ts";
import { chosenProfile } from "../broker/saved_profiles.ts";
import { socketName } from "../broker/unix_sockets.ts";
import { denialJson } from "../protocol/denial_json.ts";
import { SallyportError } from "../protocol/errors.ts";
import { dropStage, parseStaged, type Restarted, startInStage } from "./stage.ts";
import { endLines, startLine } from "./summary.ts";
import { type Relay, relayTerminal } from "./terminal.ts";

export type RunFlags = {
  readonly profile: string;
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly socket: readonly string[];
  readonly sshSign: readonly string[];
  readonly sshLogin: readonly string[];
  readonly netAllow: readonly string[];
  readonly listen: readonly number[];
  readonly credential: readonly string[];
  readonly credentialCa?: string;
  readonly timeout?: number;
  /** "-" for stderr, else a file; absent: text. */
  readonly json?: string;
  readonly user?: string;
  readonly reads?: "auto" | "native" | "brokered";
  /** A pack to add to the profile, without its "pack:". */
  readonly protect?: string;
  readonly enforcement?: "hard" | "best-effort";
  readonly undo?: "journaled" | "off";
  /** Never from the command line of `run`: `sallyport learn` sets it. */
  readonly observe?: RunOptions["observe"];
  readonly state?: string;
  readonly stage?: boolean;
  /** Given by ourselves (cli/stage.ts): run, descriptor of the report, outcome of the mount. */
  readonly staged?: string;
};

const FORWARDED: readonly NodeJS.Signals[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGCONT",
];

/** `sallyport run`: sets process.exitCode to that of the target. */
export async function run(argv: string[], flags: RunFlags): Promise<void> {
  await runReported(argv, flags);
}

/** The same, and how the run ended; null when it did not start. */
export async function runReported(argv: string[], flags: RunFlags): Promise<RunEnd | null> {
  const say = (line: string): void => {
    if (flags.json !== "-") writeError(`${line}\n`);
  };
  const again = parseStaged(flags.staged);
  const report = again?.reportFd ?? openReport(flags.json);
  if (flags.stage && again === null) {
    try {
      startInStage(flags, report);
    } catch (error) {
      notStarted(error, report);
      return null;
    }
  }
  const relay = terminalOf();
  const end = await confined(argv, flags, again, relay, say).catch(async (error: unknown) => {
    await relay?.stop();
    if (again !== null) dropStage(again.run, flags);
    notStarted(error, report);
    return null;
  });
  if (end === null) return null;
  for (const line of endLines(end)) say(line);
  if (flags.json !== undefined) {
    const { denied, learning: _, ...rest } = end;
    const line = `${JSON.stringify({ ...rest, denied: denied.map(({ denial, count }) => ({ ...denialJson(denial), count })) })}\n`;
    if (flags.json === "-") writeError(line);
    else writeSync(report, line);
  }
  process.exitCode = end.exitCode;
  return end;
}

function notStarted(error: unknown, report: number): void {
  if (!(error instanceof SallyportError)) throw error;
  writeError(`sallyport: ${printableMessage(error.message)}\n`);
  const exitCode = error.stage !== "exec" ? 125 : error.errno === "ENOENT" ? 127 : 126;
  const { code, errno, message } = error;
  if (report !== 2) writeSync(report, `${JSON.stringify({ exitCode, error: { code, errno, message } })}\n`);
  process.exitCode = exitCode;
}

/** Opened before the program runs, which could put a link in its place; the error stream where none is named. */
function openReport(file: string | undefined): number {
  if (file === undefined || file === "-") return 2;
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  try {
    return openSync(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw new SallyportError("SETUP", `Cannot write the report to "${file}": ${code}`, { errno: code });
  }
}

async function confined(
  argv: string[],
  flags: RunFlags,
  staged: Restarted | null,
  relay: Relay | null,
  say: (line: string) => void,
) {
  const started = await startRun({
    ...chosenProfile(flags.profile, flags.state, flags.protect === undefined ? [] : [flags.protect]),
    workspace: process.cwd(),
    argv,
    environment: process.env,
    reads: flags.read.map((path) => resolve(path)),
    writes: flags.write.map((path) => resolve(path)),
    sockets: flags.socket.map((path) => socketName(resolve(path))),
    sshSign: flags.sshSign,
    sshLogin: flags.sshLogin,
    netAllow: flags.netAllow,
    listen: flags.listen,
    credentials: flags.credential,
    credentialAuthorities: flags.credentialCa,
    readsHow: flags.reads,
    enforcement: flags.enforcement,
    observe: flags.observe,
    user: flags.user,
    undo: flags.undo,
    state: flags.state === undefined ? undefined : resolve(flags.state),
    timeoutMs: flags.timeout,
    staged: staged ?? undefined,
    stdio: [0, 1, 2].map((fd) => (relay?.replaces.has(fd) ? relay.slaveFd : fd)) as [number, number, number],
    // Where nobody can type, a program that asks on /dev/tty must fail instead of waiting.
    terminalIndex: relay?.replaces.has(0) ? 0 : -1,
    // Our terminal is raw by now: a new line alone would not go back to the first column.
    onReady: (facts) => {
      const end = relay === null ? "" : "\r";
      say(startLine(facts) + end);
      if (facts.ownSandbox !== "") say(`sallyport: ${facts.ownSandbox}${end}`);
    },
  });
  for (const signal of FORWARDED) process.on(signal, () => started.signal(signal));
  const end = await started.ended;
  await relay?.stop();
  return end;
}

/**
 * A terminal of its own for the run in place of ours, whichever of 0, 1 and 2 that is: each of them can be read and written.
 * `process.stdin` and its like are only touched where they are terminals: Node sets O_NONBLOCK on a pipe, and the program shares
 * that pipe.
 */
function terminalOf(): Relay | null {
  const replaces = new Set([0, 1, 2].filter((fd) => isatty(fd)));
  if (replaces.size === 0) return null;
  const output = isatty(1) ? process.stdout : isatty(2) ? process.stderr : new WriteStream(0);
  return relayTerminal(isatty(0) ? process.stdin : null, output, replaces);
}

/** Writes to the error stream as it is, for the same reason; a full pipe is tried again. */
export function writeError(text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(2, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Nobody reads what we say: that is no reason to fail the run.
      if (code !== "EAGAIN") return;
    }
  }
}
