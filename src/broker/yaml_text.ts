import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "./package_files.ts";

type Yaml = typeof import("yaml");

/**
 * The content of a YAML text. Our own profiles were parsed when the package was built (profiles/parse.mjs), which saves a third
 * of the start of a run; they are found by the digest of their text, so that an edited one is parsed as it now is. Throws what
 * the yaml package throws.
 */
export function parseYaml(text: string): unknown {
  const digest = createHash("sha256").update(text).digest("hex");
  const known = parsedAtBuild();
  if (Object.hasOwn(known, digest)) return known[digest];
  const { parse }: Yaml = createRequire(import.meta.url)("yaml");
  return parse(text);
}

let parsed: Readonly<Record<string, unknown>> | undefined;

function parsedAtBuild(): Readonly<Record<string, unknown>> {
  try {
    parsed ??= JSON.parse(readFileSync(join(packageRoot(), "dist", "profiles.json"), "utf8"));
  } catch {
    // Not built, as in the tests of a clone: the texts themselves are always there.
    parsed = {};
  }
  return parsed!;
}
