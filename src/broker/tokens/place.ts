import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { SallyportError } from "../../protocol/errors.ts";

/** Makes <state>/tokens, 0700, and gives its path. Throws SETUP when others could read or replace what is in it. */
export function tokenDirectory(state: string): string {
  const directory = join(state, "tokens");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  if (!found.isDirectory() || found.uid !== process.geteuid!() || (found.mode & 0o077) !== 0)
    throw new SallyportError(
      "SETUP",
      `Cannot use "${directory}": it must be a directory of mode 0700 of this user; chmod 700 it`,
      {
        errno: "EPERM",
      },
    );
  return directory;
}
