import type { FloorGrant } from "../../platform/landlock.ts";
import { parsePattern } from "../../policy/pattern.ts";
import { RIGHT } from "../../policy/rights.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { packageFiles } from "../package_files.ts";
import { holds, type Places } from "../workspace.ts";
import type { Authority } from "./authority.ts";

/**
 * What the kernel lets a session with tokens do by itself, out of what the profile lets it: the floor, and the trees that it may execute
 * from. What else a token lets be read is brokered, since a token ends and Landlock does not. Throws SETUP for a grant of execution that
 * the kernel can not keep.
 */
export function narrowTrees(
  trees: readonly FloorGrant[],
  authority: Authority,
  places: Places,
): FloorGrant[] {
  const own = packageFiles();
  const kept = trees.filter(
    ({ path }) =>
      path === "/dev/tty" || own.includes(path) || authority.floorTrees.some((floor) => holds(floor, path)),
  );
  const granted = trees.filter(({ path, access }) => access === "execute" && path !== places.tmp);
  const run: FloorGrant[] = executionTrees(authority)
    .filter((path) => granted.some((tree) => holds(tree.path, path)))
    .filter((path) => authority.has(path, RIGHT.execute | RIGHT.read))
    .map((path) => ({ path, access: "execute" }));
  return [...kept, ...run, { path: authority.tmp, access: "execute" }];
}

function executionTrees(authority: Authority): string[] {
  return authority.held.flatMap(({ capability }) =>
    capability.grants.flatMap(({ action, target }) =>
      action === "exec" && target.kind === "path" ? [treeOf(target.pattern, capability.id)] : [],
    ),
  );
}

function treeOf(pattern: string, capability: string): string {
  const segments = parsePattern(pattern);
  const literals = segments.flatMap((segment) => (segment.kind === "literal" ? [segment.text] : []));
  const isTree = segments.at(-1)?.kind === "deep";
  if (literals.length > 0 && segments.length === literals.length + (isTree ? 1 : 0))
    return `/${literals.join("/")}`;
  throw new SallyportError(
    "SETUP",
    `Cannot start with capability "${capability}": it grants exec on "${pattern}", and the kernel bounds execution by file or tree; grant a path, or a directory with /** behind it`,
  );
}
