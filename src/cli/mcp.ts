import { closeSync, openSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { SallyportError } from "../protocol/errors.ts";
import { BROKER_PATH } from "../protocol/message.ts";
import { run } from "./run.ts";

export type McpFlags = {
  readonly profile: string;
  readonly workspace?: string;
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly netAllow: readonly string[];
  /** Files with a token in each. */
  readonly token: readonly string[];
  readonly state?: string;
};

/**
 * `sallyport mcp`: inside a run it is the server; elsewhere it starts a run in which it is. What a model has a hand in is never read
 * by a process that may do more than the run.
 */
export async function mcp(flags: McpFlags): Promise<void> {
  const root = dirname(createRequire(import.meta.url).resolve("#package"));
  if (isInRun()) {
    const { serveMcp } = await import("../mcp/server.ts");
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    await serveMcp(version);
    // A tool that is still at work has nobody to answer to.
    process.exit(0);
  }
  const start = process.cwd();
  try {
    process.chdir(flags.workspace ?? ".");
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw new SallyportError("SETUP", `Cannot use the workspace "${flags.workspace}": ${code}`, {
      errno: code,
    });
  }
  await run([process.execPath, join(root, "dist", "cli", "main.js"), "mcp"], {
    profile: flags.profile,
    // This very installation, and the Node that runs it.
    read: [
      ...flags.read,
      dirname(process.execPath),
      ...["node_modules", "bin", "profiles"].map((name) => join(root, name)),
    ],
    write: flags.write,
    netAllow: flags.netAllow,
    token: flags.token.map((file) => resolve(start, file)),
    socket: [],
    sshSign: [],
    sshLogin: [],
    listen: [],
    credential: [],
    ...(flags.state === undefined ? {} : { state: flags.state }),
  });
}

/** The reserved name is never on disk: only a broker answers an open of it. */
function isInRun(): boolean {
  if (process.env["SALLYPORT_FD"] !== undefined) return true;
  try {
    closeSync(openSync(BROKER_PATH, "r+"));
    return true;
  } catch {
    return false;
  }
}
