import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Where this installation lies. */
export function packageRoot(): string {
  return dirname(createRequire(import.meta.url).resolve("#package"));
}

/** What a program inside needs in order to use the client library of this very installation. */
export function packageFiles(): string[] {
  return ["dist", "build/Release", "node_modules/msgpackr", "node_modules/msgpackr-extract", "package.json"]
    .map((name) => join(packageRoot(), name))
    .filter((path) => existsSync(path));
}
