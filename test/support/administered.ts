import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Arena } from "./arena.ts";
import { type Confined, type ConfinedOptions, recordsOf, runCommand } from "./confined.ts";
import { execute } from "./process.ts";

/** Why no machine can be administered here, or "". */
export function administrationObstacle(): string {
  if (process.geteuid!() !== 0) return "needs root to put another /etc in place, this machine has an user";
  try {
    execFileSync("unshare", ["-m", "--propagation", "private", "mount", "--bind", "/etc", "/etc"]);
    return "";
  } catch (error) {
    return `needs mount namespaces, this machine has: ${String(error).split("\n")[0]}`;
  }
}

/** A machine with an /etc of its own: what an administrator puts there, and a home of root in the arena. Nothing of the host is changed. */
export class Administered {
  readonly #arena: Arena;
  readonly #etc: string;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#etc = join(arena.root, "etc");
    cpSync("/etc", this.#etc, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    chmodSync(this.#etc, 0o755);
    const passwd = readFileSync("/etc/passwd", "utf8");
    writeFileSync(
      join(this.#etc, "passwd"),
      passwd.replace(/^(root:[^:]*:0:0:[^:]*:)[^:]*/m, `$1${arena.home}`),
    );
  }

  /** A file of the managed layers. */
  managed(name: string, text: string): void {
    const directory = join(this.#etc, "sallyport/policy.d");
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    writeFileSync(join(directory, name), text, { mode: 0o644 });
  }

  /** A file of the user's configuration. */
  user(name: string, text: string): void {
    this.#arena.put(join("home/.config/sallyport", name), text);
  }

  /** `sallyport run` on this machine. */
  async run(command: readonly string[], options: ConfinedOptions = {}): Promise<Confined> {
    const inside = [...runCommand(this.#arena, command, options)];
    const script = 'mount --bind "$0" /etc && exec "$@"';
    const finished = await execute(
      ["unshare", "-m", "--propagation", "private", "sh", "-c", script, this.#etc, ...inside],
      { cwd: this.#arena.workspace, ...options },
    );
    const file = join(this.#arena.home, "report.json");
    const read = JSON.parse(readFileSync(file, "utf8").trimEnd().split("\n").at(-1)!);
    const report = "error" in read ? null : read;
    return { ...finished, report, records: report === null ? [] : await recordsOf(this.#arena, report.run) };
  }
}
