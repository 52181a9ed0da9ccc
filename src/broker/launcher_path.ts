/** The launcher program of this installation. */
export function launcherPath(): string {
  return new URL(import.meta.resolve("#launcher")).pathname;
}
