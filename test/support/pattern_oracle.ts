/** The pattern grammar once more, slow and plain: by recursion over code points, for patterns without variables. */
export function oracleMatches(pattern: string, path: string): boolean {
  return matchSegments(segmentsOf(pattern), segmentsOf(path));
}

function segmentsOf(text: string): string[] {
  if (text === "/") return [];
  return (text.startsWith("/") ? text.slice(1) : text).split("/");
}

function matchSegments(pattern: readonly string[], path: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return path.length === 0;
  if (head === "**")
    return matchSegments(rest, path) || (path.length > 0 && matchSegments(pattern, path.slice(1)));
  return path.length > 0 && matchPoints([...head], [...path[0]!]) && matchSegments(rest, path.slice(1));
}

function matchPoints(pattern: readonly string[], name: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return name.length === 0;
  if (head === "*")
    return matchPoints(rest, name) || (name.length > 0 && matchPoints(pattern, name.slice(1)));
  if (name.length === 0) return false;
  if (head === "\\") return rest[0] === name[0] && matchPoints(rest.slice(1), name.slice(1));
  return (head === "?" || head === name[0]) && matchPoints(rest, name.slice(1));
}
