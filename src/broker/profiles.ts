import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadFilterSpec } from "../platform/seccomp/profile.ts";
import type { FilterSpec } from "../platform/seccomp/spec.ts";
import { formatProblem, type Parsed, type Problem } from "../policy/problem.ts";
import { type ProfileRule, type ResolvedProfile, resolveProfile } from "../policy/profile.ts";
import { SallyportError } from "../protocol/errors.ts";
import { packageRoot } from "./package_files.ts";
import { readPlainText } from "./plain_file.ts";
import { parseYaml } from "./yaml_text.ts";

/** As a layer may have. */
const MAX_CEDAR_BYTES = 256 * 1024;

/** The one place that reads `profiles/`. Names of files never matter, the names inside do. */
function readFolder(...folder: string[]): Record<string, unknown> {
  const directory = join(packageRoot(), "profiles", ...folder);
  const files = readdirSync(directory).filter((name) => name.endsWith(".yaml"));
  const parsed = files.map(
    (name) => parseYaml(readFileSync(join(directory, name), "utf8")) as { name: string },
  );
  return Object.fromEntries(parsed.map((file) => [file.name, file]));
}

/** The built-in profiles and packs by their names, as parsed. */
export function knownProfiles(): Record<string, unknown> {
  return { ...readFolder(), ...readFolder("packs") };
}

/** The names of the sets in profiles/linux that a profile may choose. */
export function syscallSets(): string[] {
  return Object.keys(readFolder("linux")).sort();
}

/** Names that `-p` takes without a file. */
export function builtInProfiles(): string[] {
  return Object.keys(readFolder()).sort();
}

/** A built-in profile by name, else a profile file. Throws INVALID with every problem, a line each. */
export function loadProfile(nameOrFile: string): ResolvedProfile {
  const resolved = nameOrFile.startsWith(":")
    ? resolveProfile(nameOrFile, knownProfiles())
    : resolveFile(nameOrFile);
  return unwrap(resolved, `profile "${nameOrFile}"`);
}

/** The problems of a profile file; none: it is valid. */
export function validateProfile(file: string): readonly Problem[] {
  const resolved = resolveFile(file);
  return resolved.ok ? [] : resolved.problems;
}

/** The rules of a pack alone. */
export function packRules(name: string): readonly ProfileRule[] {
  const all = knownProfiles();
  const ids = ((all[name] as { rules?: { id: string }[] }).rules ?? []).map(({ id }) => id);
  const alone = { name: "alone", version: 1, description: "", extends: [":none", name] };
  const resolved = unwrap(resolveProfile("alone", { ...all, alone }), `pack "${name}"`);
  return resolved.rules.filter(({ id }) => ids.includes(id));
}

/** A set of profiles/linux by name. */
export function filterSpec(name: string): FilterSpec {
  return unwrap(loadFilterSpec(name, readFolder("linux")), `syscall set "${name}"`);
}

function resolveFile(file: string): Parsed<ResolvedProfile> {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = "name a built-in profile (sallyport profile list) or a YAML file";
    return { ok: false, problems: [{ field: "", problem: `can not be read: ${code ?? message}`, remedy }] };
  }
  const name = (content as { name?: unknown } | null)?.name;
  if (typeof name !== "string" || name.startsWith(":")) {
    const remedy = "write a name that does not start with a colon: those are built in";
    return { ok: false, problems: [{ field: "name", problem: `is ${JSON.stringify(name)}`, remedy }] };
  }
  const resolved = resolveProfile(name, { ...knownProfiles(), [name]: content });
  const cedar = (content as { cedar?: string }).cedar;
  return resolved.ok && cedar !== undefined ? withCedar(resolved.value, file, cedar) : resolved;
}

/** Cedar policies lie beside the profile that names them. */
function withCedar(profile: ResolvedProfile, file: string, name: string): Parsed<ResolvedProfile> {
  try {
    const beside = join(dirname(realpathSync(file)), name);
    const text = readPlainText(beside, MAX_CEDAR_BYTES);
    return { ok: true, value: { ...profile, cedar: [{ file: beside, text }] } };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = `put the policies beside the profile, in a regular file of at most ${MAX_CEDAR_BYTES} bytes`;
    return {
      ok: false,
      problems: [
        { field: "cedar", problem: `names "${name}", which can not be read: ${code ?? message}`, remedy },
      ],
    };
  }
}

function unwrap<T>(parsed: Parsed<T>, what: string): T {
  if (parsed.ok) return parsed.value;
  const lines = parsed.problems.map((problem) => `\n  ${formatProblem(problem)}`);
  throw new SallyportError("INVALID", `Cannot use ${what}:${lines.join("")}`);
}
