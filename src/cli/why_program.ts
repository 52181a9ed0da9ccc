import { denialOf } from "../broker/denial.ts";
import { programTable } from "../broker/programs/program_table.ts";
import { nativePaths } from "../broker/rules.ts";
import type { Places } from "../broker/workspace.ts";
import type { Policy } from "../policy/decide.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Answer } from "./why.ts";

/** What the file itself decides, by a run's own table; null where nothing but its place counts. `path` has no symbolic links. */
export function whyProgram(
  path: string,
  profile: ResolvedProfile,
  policy: Policy,
  places: Places,
): Answer | null {
  const trees = nativePaths(profile, places).execute.map((tree) => ({
    path: tree,
    access: "execute" as const,
  }));
  const { verdict, owner, sha256 } = programTable(profile, policy, trees, places).judge(path);
  if (verdict.kind === "by-path") return null;
  const looked = [
    ...(owner === null ? [] : [`owner ${owner}`]),
    ...(sha256 === null ? [] : [`sha256 ${sha256}`]),
  ].join(", ");
  const always = { path, op: "exec", profile: profile.name };
  if (verdict.kind === "deny") {
    const denial = denialOf("exec", path, verdict.rule, RIGHT.execute, policy);
    return { verdict: "deny", profile: profile.name, ...denial, reason: `${denial.reason} (${looked})` };
  }
  const reason = `${verdict.reason} (${looked})`;
  return { ...always, verdict: "allow", rule: verdict.rule, reason };
}
