import { compilePolicy, type Policy } from "../../policy/decide.ts";
import { isWithin } from "../../policy/path.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { ALL_RIGHTS } from "../../policy/rights.ts";
import { matchPath } from "../../policy/trie.ts";
import { loadProfile } from "../profiles.ts";
import { nativePaths, rulesOf } from "../rules.ts";
import { holds, type Places } from "../workspace.ts";

/** What every run has that starts with a token: enough for a program to start, and nothing of the workspace. */
export type Floor = {
  readonly policy: Policy;
  /** Trees that the kernel lets it read, and execute, natively. */
  readonly trees: readonly string[];
};

const WORKSPACE = "$" + "{workspace}";

/** `:read-only` without the workspace: system programs and libraries, tools and configuration by name. Its own TMPDIR is not among it. */
export function floorOfTokens(places: Places): Floor {
  const whole = loadProfile(":read-only");
  const keep = (path: string): boolean => !path.startsWith(WORKSPACE);
  const profile: ResolvedProfile = {
    ...whole,
    native: { read: whole.native.read.filter(keep), execute: whole.native.execute.filter(keep) },
    rules: whole.rules
      .filter(({ effect, id }) => effect === "allow" && id !== "temporary.write")
      .map((rule) => ({ ...rule, patterns: rule.patterns.filter(keep) })),
  };
  const rules = rulesOf({ profile }, places).filter(({ pattern }) => !pattern.startsWith(places.tmp));
  const { read, execute } = nativePaths(profile, places);
  const trees = [...read, ...execute].filter((path) => !holds(places.tmp, path));
  return { policy: compilePolicy("floor", rules), trees };
}

/** The rights that a session has on a path without any token. `tmp` is private to it. */
export function floorRights(floor: Floor, tmp: string, path: string): number {
  if (isWithin(path, tmp)) return ALL_RIGHTS;
  const masks = matchPath(floor.policy.compiled, path);
  return masks < 0 ? 0 : masks & ALL_RIGHTS;
}
