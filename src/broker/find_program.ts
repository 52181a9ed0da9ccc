import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { SallyportError } from "../protocol/errors.ts";

/**
 * Finds a program as execvp(3) does, in the PATH that the run will have. Throws SETUP of stage "exec": ENOENT when there is
 * none, EACCES when what there is can not be executed.
 */
export function findProgram(name: string, path: string | undefined, cwd: string): string {
  const places = name.includes("/")
    ? [resolve(cwd, name)]
    : directories(path).map((directory) => join(directory, name));
  let found: string | null = null;
  for (const place of places) {
    if (!isFile(place)) continue;
    found ??= place;
    if (isExecutable(place)) return place;
  }
  if (found === null)
    throw new SallyportError("SETUP", `Cannot run "${name}": not found`, { errno: "ENOENT", stage: "exec" });
  throw new SallyportError("SETUP", `Cannot run "${found}": not executable`, {
    errno: "EACCES",
    stage: "exec",
  });
}

function directories(path: string | undefined): string[] {
  return (path ?? "/usr/local/bin:/usr/bin:/bin").split(":").filter(isAbsolute);
}

function isFile(place: string): boolean {
  try {
    return statSync(place).isFile();
  } catch {
    // execvp(3) goes on past a directory that can not be searched.
    return false;
  }
}

function isExecutable(place: string): boolean {
  try {
    accessSync(place, constants.X_OK);
    return true;
  } catch {
    // Not executable for us, whatever the reason: the search goes on.
    return false;
  }
}
