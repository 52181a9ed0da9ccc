import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { loadFilterSpec } from "../../src/platform/seccomp/profile.ts";
import type { FilterSpec } from "../../src/platform/seccomp/spec.ts";

const ROOT = join(import.meta.dirname, "../../profiles");

/** The parsed YAML files of a directory below profiles/, by name without ending. */
export function parsedYaml(directory: string): Record<string, unknown> {
  const names = readdirSync(join(ROOT, directory)).filter((file) => file.endsWith(".yaml"));
  return Object.fromEntries(
    names.map((file) => [basename(file, ".yaml"), parse(readFileSync(join(ROOT, directory, file), "utf8"))]),
  );
}

/** The built-in syscall sets. Throws when they do not load. */
export function baseSpec(): FilterSpec {
  const spec = loadFilterSpec("base", parsedYaml("linux"));
  if (!spec.ok) throw new Error(JSON.stringify(spec.problems, null, 2));
  return spec.value;
}
