import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Client } from "../client/client.ts";
import { object, path } from "./arguments.ts";
import { type Tool, ToolError } from "./tool.ts";

const MAX_OUTPUT_BYTES = 65_536;
const DEFAULT_MS = 60_000;
const MAX_MS = 600_000;
/** After SIGTERM. */
const GRACE_MS = 2_000;
const SETTLE_MS = 500;

export const exec: Tool = {
  name: "exec",
  description: `Runs a program, without a shell, and gives its output, at most ${MAX_OUTPUT_BYTES} bytes of each stream. It runs in the same sandbox.`,
  arguments: object(
    {
      command: {
        type: "array",
        description: "The program and its arguments",
        minItems: 1,
        maxItems: 200,
        items: { type: "string", description: "One argument", maxLength: 32_768 },
      },
      cwd: path("Its working directory; default the workspace"),
      stdin: { type: "string", description: "What it reads", maxLength: 1_048_576 },
      timeoutMs: { type: "integer", description: "When it is ended", minimum: 1, maximum: MAX_MS },
    },
    ["command"],
  ),
  async run(client, args, signal) {
    const command = args["command"] as readonly string[];
    const cwd = args["cwd"] as string | undefined;
    const timeoutMs = Number(args["timeoutMs"] ?? DEFAULT_MS);
    const program = await client.spawn(findProgram(command[0]!, cwd), command, {
      ...(cwd === undefined ? {} : { cwd }),
      signal,
    });
    let timedOut = false;
    const end = (): void => void endProgram(client, program.pid);
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, timeoutMs);
    signal.addEventListener("abort", end, { once: true });
    program.stdin.end(String(args["stdin"] ?? ""));
    try {
      const outputs = Promise.all([take(program.stdout), take(program.stderr)]);
      const { exitCode, signal: endedBy } = await program.ended;
      // What it left behind in the background may hold its output open.
      const settled = setTimeout(() => {
        program.stdout.destroy();
        program.stderr.destroy();
      }, SETTLE_MS);
      const [stdout, stderr] = await outputs;
      clearTimeout(settled);
      const data = {
        exitCode,
        signal: endedBy,
        timedOut,
        stdout: stdout.text,
        stderr: stderr.text,
        truncated: stdout.truncated || stderr.truncated,
      };
      const how = timedOut ? `ended after ${timeoutMs} ms` : endedBy === null ? `exit ${exitCode}` : endedBy;
      return { text: `${how}\n${stdout.text}${stderr.text === "" ? "" : `\nstderr:\n${stderr.text}`}`, data };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      for (const stream of [program.stdin, program.stdout, program.stderr]) stream.destroy();
    }
  },
};

type Taken = { readonly text: string; readonly truncated: boolean };

/** The rest is read and dropped: a program that waits for its output to be read would not end. */
async function take(stream: Readable): Promise<Taken> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let truncated = false;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const fits = chunk.subarray(0, MAX_OUTPUT_BYTES - bytes);
      if (fits.length > 0) chunks.push(fits);
      bytes += fits.length;
      truncated ||= fits.length < chunk.length;
    }
  } catch {
    // It was cut off; what came counts.
  }
  return { text: Buffer.concat(chunks).toString("utf8"), truncated };
}

async function endProgram(client: Client, pid: number): Promise<void> {
  const all = [pid, ...descendants(pid, 0)];
  const send = (signal: NodeJS.Signals) =>
    Promise.all(all.map((one) => client.kill(one, signal).catch(() => {})));
  await send("SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, GRACE_MS).unref());
  await send("SIGKILL");
}

/** proc_pid_children(5): what it started, as far as it can be seen. */
function descendants(pid: number, depth: number): number[] {
  if (depth > 16) return [];
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number);
    return children.flatMap((child) => [child, ...descendants(child, depth + 1)]);
  } catch {
    return [];
  }
}

/** As execvp(3) finds it. */
function findProgram(name: string, cwd: string | undefined): string {
  if (name.includes("/")) return join(name.startsWith("/") ? "/" : (cwd ?? "."), name);
  for (const directory of (process.env["PATH"] ?? "/usr/bin:/bin").split(":")) {
    const file = join(directory === "" ? "." : directory, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // In the next one.
    }
  }
  throw new ToolError(`no program "${name.slice(0, 100)}" on the PATH`);
}
