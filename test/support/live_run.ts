/** A run that goes on by itself while a test does things to it from outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Arena } from "./arena.ts";
import { type ConfinedOptions, recordsOf, runCommand, sallyport } from "./confined.ts";

export type Event = Readonly<Record<string, unknown>>;

export class LiveRun {
  readonly #arena: Arena;
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  stdout = "";
  stderr = "";

  constructor(arena: Arena, command: readonly string[], options: ConfinedOptions = {}) {
    this.#arena = arena;
    const [program = "", ...args] = runCommand(arena, command, options);
    const child = spawn(program, args, {
      cwd: arena.workspace,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = new Promise((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  }

  /** The id, from the line at the start. */
  get id(): string {
    return /run ([0-9a-f]{12})/.exec(this.stderr)?.[1] ?? "";
  }

  /** What `--json` has said so far, a line each. */
  events(): Event[] {
    const file = join(this.#arena.home, "report.json");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Event);
  }

  event(kind: string): Event | undefined {
    return this.events().find(({ event }) => event === kind);
  }

  /** `sallyport VERB RUN …` of the run's owner. */
  async say(verb: string, ...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    return await sallyport(this.#arena, [verb, this.id, "--state", this.#arena.state, ...args]);
  }

  async undo(): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    return await sallyport(this.#arena, ["undo", "restore", this.id, "--state", this.#arena.state]);
  }

  async status(): Promise<Event | undefined> {
    const shown = await sallyport(this.#arena, ["runs", "--json", "--state", this.#arena.state]);
    const lines = shown.stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Event).find(({ run }) => run === this.id);
  }

  records(): ReturnType<typeof recordsOf> {
    return recordsOf(this.#arena, this.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) this.child.kill("SIGKILL");
    await this.ended;
  }
}

export async function until(condition: () => boolean, what: string, withinMs = 20_000): Promise<void> {
  for (const end = Date.now() + withinMs; Date.now() < end; ) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${what} did not come about`);
}
