/** The launcher program of this installation. */
export function launcherPath(): string {
  return new URL(import.meta.resolve("#launcher")).pathname;
}

/** The library that brings an unmodified program to the broker where nothing is trapped (docs/shims-c-and-python.md). */
export function preloadPath(): string {
  return new URL(import.meta.resolve("#preload")).pathname;
}
