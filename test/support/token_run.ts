import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadProfile } from "../../src/broker/profiles.ts";
import { startRun } from "../../src/broker/run.ts";
import type { Run, RunEnd } from "../../src/broker/run_facts.ts";
import type { RunOptions } from "../../src/broker/run_options.ts";
import { type Revocation, Revocations, revoke } from "../../src/broker/tokens/revocations.ts";
import type { Trust } from "../../src/broker/tokens/run_tokens.ts";
import type { Capability, CapabilityChain } from "../../src/policy/capability/capability.ts";
import type { Arena } from "./arena.ts";
import { capability } from "./sessions.ts";
import { HOST, issuerJwk, keysOf } from "./tokens.ts";

export const CLIENT: string = new URL("../../dist/client/client.js", import.meta.url).pathname;

/** A capability that is good from now on, for an hour. */
export function good(id: string, change: Partial<Capability> = {}): CapabilityChain {
  const now = Date.now();
  return [
    capability(id, { issuedMs: now - 5000, notBeforeMs: now - 1000, expiresMs: now + 3_600_000, ...change }),
  ];
}

/** The issuer of support/tokens.ts, and the revocations of the arena. */
export function trustOf(arena: Arena): Trust {
  return { issuers: keysOf([HOST, issuerJwk]), audience: HOST, revocations: new Revocations(arena.state) };
}

export function revokeIn(arena: Arena, by: Revocation["by"], value: string): Promise<void> {
  return revoke(arena.state, { by, value, timeMs: Date.now(), reason: "the test says so" });
}

export type Finished = RunEnd & { readonly stdout: string; readonly stderr: string };
export type Started = {
  readonly run: Run;
  /** What it has written until now. */
  said(): string;
  finished(): Promise<Finished>;
};

/** A run in this very process: its broker is ours, so that clocks, tokens and times are the test's. */
export async function startWith(
  arena: Arena,
  argv: readonly string[],
  options: Partial<RunOptions> = {},
): Promise<Started> {
  const files = ["stdout", "stderr"].map((name) => join(arena.root, `${name}-${Math.random()}`));
  const [stdout, stderr] = files as [string, string];
  const nothing = openSync("/dev/null", "r");
  const out = openSync(stdout, "a", 0o666);
  const errors = openSync(stderr, "a", 0o666);
  const run = await startRun({
    profile: loadProfile(":workspace"),
    workspace: arena.workspace,
    argv,
    environment: { PATH: process.env["PATH"] },
    state: arena.state,
    home: arena.home,
    stdio: [nothing, out, errors],
    terminalIndex: -1,
    trust: trustOf(arena),
    ...options,
  });
  return {
    run,
    said: () => readFileSync(stdout, "utf8"),
    async finished() {
      const end = await run.ended;
      for (const fd of [nothing, out, errors]) closeSync(fd);
      return { ...end, stdout: readFileSync(stdout, "utf8"), stderr: readFileSync(stderr, "utf8") };
    },
  };
}

/** Waits until `holds` is true, and fails after ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !holds(); ) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
