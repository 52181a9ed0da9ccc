import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Arena } from "./arena.ts";
import { type Confined, type ConfinedOptions, confined } from "./confined.ts";
import { type ExecuteOptions, execute, type Finished } from "./process.ts";

const SOURCES: string = new URL("../victims", import.meta.url).pathname;

/** Exit codes of a victim (victims/victim.h). */
export const SUCCEEDED = 0;
export const REFUSED = 10;
/** 128 + SIGSYS: the filter killed it. */
export const KILLED = 159;

/** Compiles a victim once for its source, and gives the program. */
export function compileVictim(name: string): string {
  const source = join(SOURCES, `${name}.c`);
  const headers = ["victim.h", `${name}.h`].map((header) => join(SOURCES, header)).filter(existsSync);
  const hash = createHash("sha256");
  for (const file of [...headers, source]) hash.update(readFileSync(file));
  const cache = join(tmpdir(), `sallyport-victims-${process.geteuid!()}`);
  const program = join(cache, `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const flags = ["-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-pthread"];
  execFileSync("gcc", [...flags, "-o", fresh, source, "-lrt"], { stdio: ["ignore", "inherit", "inherit"] });
  renameSync(fresh, program);
  return program;
}

/** Puts the program into the workspace, where a run may execute it. */
export function placeVictim(arena: Arena, name: string): string {
  const program = join(arena.workspace, name);
  copyFileSync(compileVictim(name), program);
  chmodSync(program, 0o755);
  chownSync(program, arena.owner, arena.owner);
  return program;
}

/** Runs a victim under sallyport, in the arena's workspace. */
export function runVictim(
  arena: Arena,
  name: string,
  args: readonly string[],
  options: ConfinedOptions = {},
): Promise<Confined> {
  const { flags = [], ...rest } = options;
  const command = [placeVictim(arena, name), ...args];
  return confined(arena, command, { ...rest, flags: ["--timeout", "100s", ...flags] });
}

/** Runs a victim with nothing around it: the control that shows what its attack does. */
export function runPlain(
  arena: Arena,
  name: string,
  args: readonly string[],
  options: ExecuteOptions = {},
): Promise<Finished> {
  return execute([placeVictim(arena, name), ...args], { cwd: arena.workspace, ...options });
}
