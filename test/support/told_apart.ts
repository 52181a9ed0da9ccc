import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Arena } from "./arena.ts";
import { compileVictim } from "./hostile.ts";

/** Programs beside the workspace, and a profile that may execute them by their place, beside what else it says. */
export class Tools {
  readonly directory: string;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.directory = join(arena.root, "tools");
    mkdirSync(this.directory, { mode: 0o755 });
  }

  /** The victim exec_ways under this name; with other bytes when it is the one that attacks. */
  put(name: string, use: "target" | "attacker" = "target"): string {
    const path = join(this.directory, name);
    copyFileSync(compileVictim("exec_ways"), path);
    if (use === "attacker") appendFileSync(path, "attacker");
    chmodSync(path, 0o755);
    chownSync(path, this.#arena.owner, this.#arena.owner);
    return path;
  }

  link(from: string, name: string): string {
    linkSync(from, join(this.directory, name));
    return join(this.directory, name);
  }

  /** Writes a profile file and gives its name. The tools are its only programs, but for those of the system. */
  profile(fields: object): string {
    const file = join(this.#arena.root, "own.yaml");
    const always = { name: "own", version: 1, description: "Own", extends: [":workspace"] };
    writeFileSync(file, stringify({ ...always, native: { execute: [this.directory] }, ...fields }));
    return file;
  }
}
