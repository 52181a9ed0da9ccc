import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SallyportError } from "../protocol/errors.ts";

/** The directories that a profile's variables stand for. Absolute, without links. */
export type Places = {
  readonly workspace: string;
  readonly home: string;
  /** Private to the run. */
  readonly tmp: string;
  readonly state: string;
};

/**
 * Gives the real path of the workspace, or throws SETUP when it is a directory that a run must not own: the root, a home, one
 * that holds a home, or one that holds our own state or lies in it.
 */
export function checkWorkspace(directory: string, homes: readonly string[], state: string): string {
  const workspace = realpath(directory);
  if (!statSync(workspace).isDirectory())
    refuse(workspace, "it is not a directory", "run from a project directory");
  if (workspace === "/")
    refuse(workspace, "it is the root of the file system", "run from a project directory");
  for (const home of homes) {
    if (holds(workspace, home) || holds(workspace, realName(home)))
      refuse(workspace, `it is or holds the home "${home}"`, "run from a directory below it");
  }
  if (holds(workspace, state))
    refuse(workspace, `it holds Sallyport's state "${state}"`, "move the state with --state DIR");
  if (holds(state, workspace))
    refuse(workspace, `it lies in Sallyport's state "${state}"`, "run from another directory");
  return workspace;
}

/** The absolute path without links, as far as it exists: what rules are matched against. */
export function realName(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // What does not exist yet is judged by the name it would get.
    return path === "/" ? path : join(realName(dirname(path)), basename(path));
  }
}

/** Says whether `outer` is `inner` or one of its ancestors. */
export function holds(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer === "/" ? "/" : `${outer}/`);
}

function realpath(directory: string): string {
  try {
    return realpathSync(directory);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "EIO";
    throw new SallyportError("SETUP", `Cannot use "${directory}" as workspace: ${code}`, { errno: code });
  }
}

function refuse(workspace: string, why: string, wayOut: string): never {
  throw new SallyportError("SETUP", `Cannot use "${workspace}" as workspace: ${why}; ${wayOut}`, {
    errno: "EINVAL",
  });
}
