/** What counts as a storm, and how much of it a run may make before it is stopped. */
import type { BreakerSettings } from "./breaker.ts";

export const STORMS = ["errors", "denials", "deletes", "renames", "entropy"] as const;
export type Storm = (typeof STORMS)[number];
export type StormSettings = { readonly [storm in Storm]: BreakerSettings };

/** Measured against whole programs (test/integration/storms.test.ts): none of them comes near. */
export const DEFAULT_STORMS: StormSettings = {
  errors: { count: 20, windowMs: 10_000, share: 0.5 },
  denials: { count: 1000, windowMs: 10_000, share: 0 },
  deletes: { count: 1000, windowMs: 10_000, share: 0 },
  renames: { count: 500, windowMs: 10_000, share: 0 },
  entropy: { count: 30, windowMs: 60_000, share: 0 },
};

export const STORM_WORDS: { readonly [storm in Storm]: string } = {
  errors: "operations that the machine could not carry out",
  denials: "denied operations",
  deletes: "deleted files that were there before the run",
  renames: "renamed files that were there before the run",
  entropy: "files from before the run replaced by what looks encrypted",
};

/**
 * What the machine could not do although it was allowed and well asked: storage that is full, broken or gone. Everything else that
 * a call can fail with is an answer to the caller: a name that is not there, or there already, or of another kind.
 */
export const MACHINE_ERRORS: ReadonlySet<string> = new Set([
  "EDQUOT",
  "EHOSTDOWN",
  "EIO",
  "EMFILE",
  "ENFILE",
  "ENODEV",
  "ENOLINK",
  "ENOMEM",
  "ENOSPC",
  "EREMOTEIO",
  "EROFS",
  "ESTALE",
  "ETIMEDOUT",
  "EUCLEAN",
]);

const DIRECTORIES = [
  "node_modules",
  "bower_components",
  "site-packages",
  "__pycache__",
  "\\.(?:cache|venv|tox|nox|next|nuxt|turbo|gradle|mypy_cache|pytest_cache|ruff_cache|parcel-cache|svelte-kit|eggs)",
  "venv",
  "target",
  "build",
  "build-[^/]*",
  "dist",
  "out",
  "obj",
  "coverage",
  "CMakeFiles",
  "DerivedData",
  "\\.git",
];
const SUFFIXES = "o|obj|a|so|d|lo|la|ko|cmd|pyc|pyo|class|gcda|gcno|rlib|rmeta|elc|dwo|tmp|temp|swp";
const MADE_AGAIN = new RegExp(`/(?:${DIRECTORIES.join("|")})/|\\.(?:${SUFFIXES})$`);

/** By its name it is what a tool has made and makes again: its loss is no storm. */
export function isMadeAgain(path: string): boolean {
  return MADE_AGAIN.test(path);
}
