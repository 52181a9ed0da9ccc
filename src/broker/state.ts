import { mkdirSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { SallyportError } from "../protocol/errors.ts";

/** Where the state of the user's runs lies: `--state`, else XDG_STATE_HOME (basedir-spec), else ~/.local/state. */
export function stateDirectory(chosen: string | undefined, home: string): string {
  if (chosen !== undefined) return chosen;
  const xdg = process.env["XDG_STATE_HOME"];
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".local", "state"), "sallyport");
}

/** Makes the directory, readable for its owner only, and gives its real path. Throws SETUP when it is somebody else's. */
export function openState(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const real = realpathSync(directory);
    const found = statSync(real);
    if (found.uid !== process.geteuid!()) {
      throw new SallyportError(
        "SETUP",
        `Cannot use "${directory}" for state: it belongs to uid ${found.uid}`,
        { errno: "EPERM" },
      );
    }
    if (found.mode & 0o077) {
      throw new SallyportError(
        "SETUP",
        `Cannot use "${directory}" for state: others may enter it; chmod 700 it`,
        { errno: "EPERM" },
      );
    }
    return real;
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "EIO";
    throw new SallyportError(
      "SETUP",
      `Cannot use "${directory}" for state: ${code}; choose another with --state DIR`,
      { errno: code },
    );
  }
}
