/** Taking canonical paths (protocol/path.ts) apart and putting them together. Results are canonical again. */

/** The directory that holds `path`; of "/" it is "/". */
export function dirname(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

/** The last segment; of "/" it is "". */
export function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `name` is one or more clean segments without a leading "/". */
export function joinPath(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

/** Whether `path` is `directory` or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  if (directory === "/") return true;
  return (
    path.startsWith(directory) &&
    (path.length === directory.length || path.charCodeAt(directory.length) === 47)
  );
}
