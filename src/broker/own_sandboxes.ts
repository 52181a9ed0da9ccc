import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Platform } from "../platform/platform.ts";
import { basename } from "../policy/path.ts";
import { packageRoot } from "./package_files.ts";
import { parseYaml } from "./yaml_text.ts";

type OwnSandbox = {
  readonly name: string;
  /** Names of its executables. */
  readonly files: readonly string[];
  readonly told: readonly string[];
  readonly advice: string;
};

const MAX_ANCESTORS = 64;
/** Rules whose refusal is how such a program fails. */
const NEEDED = /^(?:namespace\.|mount$)/;

let table: readonly OwnSandbox[] | undefined;

function known(): readonly OwnSandbox[] {
  table ??= (
    parseYaml(readFileSync(join(packageRoot(), "profiles", "programs", "own-sandboxes.yaml"), "utf8")) as {
      programs: readonly OwnSandbox[];
    }
  ).programs;
  return table;
}

/** What to say when a program is started that brings its own sandbox and was not told to do without; "" for any other. */
export function ownSandboxAdvice(program: string, argv: readonly string[]): string {
  const found = sandboxOf([argv[0] ?? "", program, realpath(program)]);
  return found === null || argv.some((arg) => found.told.includes(arg)) ? "" : sentence(found);
}

/**
 * The next step for a refusal that such a program runs into, or null. The outermost program that is known counts: it is the one
 * that has the switch. Names of programs are advice here and decide nothing.
 */
export function ownSandboxStep(
  rule: string,
  pid: number,
  rootPid: number,
  platform: Platform,
): string | null {
  if (!NEEDED.test(rule)) return null;
  let outermost: OwnSandbox | null = null;
  for (let at = pid, step = 0; at > 1 && at !== rootPid && step < MAX_ANCESTORS; step++) {
    const program = platform.readlink(`/proc/${at}/exe`);
    // An interpreter has the name of its script behind it.
    const names = [typeof program === "string" ? program : "", ...argumentsOf(at).slice(0, 2)];
    outermost = sandboxOf(names) ?? outermost;
    at = platform.parentOf(at);
  }
  return outermost === null ? null : sentence(outermost);
}

function sentence({ name, advice }: OwnSandbox): string {
  return `${name} brings its own sandbox, which a run refuses: ${advice} (it stays confined by this run)`;
}

function sandboxOf(paths: readonly string[]): OwnSandbox | null {
  const names = paths
    .map((path) => basename(path).replace(/\.(?:[cm]?js|exe|sh)$/, ""))
    .filter((name) => name !== "");
  return known().find(({ files }) => names.some((name) => files.includes(name))) ?? null;
}

function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It is gone; the launch will say so.
    return path;
  }
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    // It has ended.
    return [];
  }
}
