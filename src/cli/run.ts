import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { loadProfile } from "../broker/profiles.ts";
import { startRun } from "../broker/run.ts";
import { SallyportError } from "../protocol/errors.ts";
import { endLines, startLine } from "./summary.ts";
import { type Relay, relayTerminal } from "./terminal.ts";

export type RunFlags = {
  readonly profile: string;
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly timeout?: number;
  /** "-" for stderr, else a file; absent: text. */
  readonly json?: string;
  readonly user?: string;
  readonly reads?: "auto" | "native" | "brokered";
  readonly enforcement?: "hard" | "best-effort";
  readonly state?: string;
};

const FORWARDED: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2", "SIGCONT"];

/** `sallyport run`: sets process.exitCode to that of the target. */
export async function run(argv: string[], flags: RunFlags): Promise<void> {
  const say = (line: string): void => {
    if (flags.json !== "-") process.stderr.write(`${line}\n`);
  };
  const relay = terminalOf();
  const end = await confined(argv, flags, relay, say).catch(async (error: unknown) => {
    await relay?.stop();
    if (!(error instanceof SallyportError)) throw error;
    process.stderr.write(`sallyport: ${error.message}\n`);
    process.exitCode = error.stage !== "exec" ? 125 : error.errno === "ENOENT" ? 127 : 126;
    return null;
  });
  if (end === null) return;
  for (const line of endLines(end)) say(line);
  if (flags.json !== undefined) {
    const { denied, ...rest } = end;
    const line = `${JSON.stringify({ ...rest, denied: denied.map(({ denial, count }) => ({ ...denial, count })) })}\n`;
    if (flags.json === "-") process.stderr.write(line);
    else writeFileSync(flags.json, line, { mode: 0o600 });
  }
  process.exitCode = end.exitCode;
}

async function confined(argv: string[], flags: RunFlags, relay: Relay | null, say: (line: string) => void) {
  const started = await startRun({
    profile: loadProfile(flags.profile),
    workspace: process.cwd(),
    argv,
    environment: process.env,
    reads: flags.read.map((path) => resolve(path)),
    writes: flags.write.map((path) => resolve(path)),
    readsHow: flags.reads,
    enforcement: flags.enforcement,
    user: flags.user,
    state: flags.state === undefined ? undefined : resolve(flags.state),
    timeoutMs: flags.timeout,
    stdio: [0, 1, 2].map((fd) => (relay?.replaces.has(fd) ? relay.slaveFd : fd)) as [number, number, number],
    terminalIndex: relay === null ? -1 : Math.min(...relay.replaces),
    onReady: (facts) => say(startLine(facts)),
  });
  for (const signal of FORWARDED) process.on(signal, () => started.signal(signal));
  const end = await started.ended;
  await relay?.stop();
  return end;
}

/** A terminal of its own for the run when ours is one and we are in its foreground. */
function terminalOf(): Relay | null {
  if (!process.stdin.isTTY) return null;
  const replaces = new Set(
    [0, 1, 2].filter((fd) => (fd === 0 ? process.stdin : fd === 1 ? process.stdout : process.stderr).isTTY),
  );
  const output = process.stdout.isTTY ? process.stdout : process.stderr.isTTY ? process.stderr : null;
  return output === null ? null : relayTerminal(process.stdin, output, replaces);
}
