import { denialOf } from "../broker/denial.ts";
import { programTable } from "../broker/programs/program_table.ts";
import { nativePaths } from "../broker/rules.ts";
import type { Places } from "../broker/workspace.ts";
import type { Policy } from "../policy/decide.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Answer } from "./why.ts";

/** What the file itself decides, by a run's own table, and its digest for whoever asks; `answer` is null where nothing but its place counts. */
export function whyProgram(
  path: string,
  profile: ResolvedProfile,
  policy: Policy,
  places: Places,
): { readonly answer: Answer | null; digest(): string | null } {
  const trees = nativePaths(profile, places).execute.map((tree) => ({
    path: tree,
    access: "execute" as const,
  }));
  const table = programTable(profile, policy, trees, places);
  const { verdict, owner, sha256 } = table.judge(path);
  const digest = (): string | null => sha256 ?? table.digest(path, -1);
  if (verdict.kind === "by-path") return { answer: null, digest };
  const looked = [
    ...(owner === null ? [] : [`owner ${owner}`]),
    ...(sha256 === null ? [] : [`sha256 ${sha256}`]),
  ].join(", ");
  const always = { path, op: "exec", profile: profile.name };
  if (verdict.kind === "deny") {
    const denial = denialOf("exec", path, verdict.rule, RIGHT.execute, policy);
    const reason = `${denial.reason} (${looked})`;
    return { answer: { verdict: "deny", profile: profile.name, ...denial, reason }, digest };
  }
  const reason = `${verdict.reason} (${looked})`;
  return { answer: { ...always, verdict: "allow", rule: verdict.rule, reason }, digest };
}
