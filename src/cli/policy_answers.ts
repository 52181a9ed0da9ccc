import { printable } from "../broker/denial.ts";
import { readPolicyText } from "../broker/policy_files/lint_file.ts";
import { NOWHERE } from "../broker/policy_files/nowhere.ts";
import { writtenPolicy } from "../broker/policy_files/written_policy.ts";
import { readYamlSource } from "../broker/policy_files/yaml_source.ts";
import { policyName } from "../policy/cedar/asked.ts";
import { parseCases } from "../policy/compare/cases.ts";
import { differencesOf } from "../policy/compare/difference.ts";
import type { Layer } from "../policy/layers/layer.ts";
import { formatFinding, pathOf } from "../policy/lint/finding.ts";
import { expandPattern } from "../policy/pattern.ts";
import { rightNames } from "../policy/rights.ts";
import { SallyportError } from "../protocol/errors.ts";

type Flags = { readonly json?: boolean };

/** `sallyport policy test`: asks the profile each case of a file. Exit 1 when one is answered otherwise. */
export async function policyTest(file: string, flags: Flags & { readonly profile: string }): Promise<void> {
  const { source, findings } = readYamlSource(readPolicyText(file));
  if (findings.some(({ severity }) => severity === "error"))
    throw new SallyportError(
      "INVALID",
      `Cannot read the cases:${findings.map((one) => `\n  ${formatFinding(file, one)}`).join("")}`,
    );
  const parsed = parseCases(source.value);
  if (!parsed.ok) {
    const lines = parsed.problems.map(
      (one) =>
        `\n  ${file}:${source.place(pathOf(one), "value").line}: ${one.field} ${one.problem}; ${one.remedy}`,
    );
    throw new SallyportError("INVALID", `Cannot read the cases:${lines.join("")}`);
  }
  const { answer, placeOf } = writtenPolicy(flags.profile);
  const results = parsed.value.map((one, index) => {
    const { decided, ...result } = answer(one);
    const place = placeOf(result.rule, decided?.pattern ?? null);
    return {
      case: `${file}:${source.place(["cases", index], "value").line}`,
      op: one.op,
      on: one.path ?? `${one.host}:${one.port}`,
      ...result,
      place,
    };
  });
  const failed = results.filter(({ problem }) => problem !== null);
  if (flags.json) console.log(JSON.stringify({ cases: results.length, failed: failed.length, results }));
  else {
    for (const { case: at, op, on, problem, rule, place } of failed)
      console.log(
        printable(`${at}: ${op} ${on} ${problem} (rule ${rule}${place === null ? "" : `, ${place}`})`),
      );
    console.log(`${results.length} cases, ${failed.length} failed`);
  }
  process.exitCode = failed.length === 0 ? 0 : 1;
}

/** `sallyport policy diff`: what the second grants and denies that the first does not, and the other way round. Exit 1 on any. */
export function policyDiff(before: string, after: string, flags: Flags): void {
  const [left, right] = [writtenPolicy(before), writtenPolicy(after)];
  const changes = differencesOf(left.profile, right.profile).map((change) => {
    const side = change.side === "disappears" ? left : right;
    const pattern =
      change.kind === "grants" || change.kind === "denies" ? expandPattern(change.what, NOWHERE) : null;
    return { ...change, place: change.rule === "" ? null : side.placeOf(change.rule, pattern) };
  });
  if (flags.json) console.log(JSON.stringify(changes));
  else {
    for (const { kind, side, rights, what, rule, place } of changes) {
      const sign = side === "appears" ? "+" : side === "disappears" ? "-" : "~";
      const words =
        kind === "host"
          ? `reaches ${what}`
          : kind === "field"
            ? what
            : `${kind} ${rights.join(", ")} on ${what}`;
      const by = rule === "" ? "" : ` (rule ${rule}${place === null ? "" : `, ${place}`})`;
      console.log(printable(`${sign} ${words}${by}`));
    }
    if (changes.length === 0) console.log("no difference in what is granted and denied");
  }
  process.exitCode = changes.length === 0 ? 0 : 1;
}

/** `sallyport policy explain`: a profile in words, each with the line that says so. */
export async function policyExplain(name: string, flags: Flags): Promise<void> {
  const { profile, own, placeOf } = writtenPolicy(name);
  const cedar = askedInWords(own);
  const statements = profile.rules.flatMap(({ id, effect, rights, patterns, except, reason }) =>
    patterns.map((pattern) => ({
      effect,
      rights: rightNames(rights),
      pattern,
      except,
      rule: id,
      reason,
      place: placeOf(id, expandPattern(pattern, NOWHERE)),
    })),
  );
  if (flags.json) {
    console.log(
      JSON.stringify({
        profile: profile.name,
        lineage: profile.lineage,
        statements,
        network: profile.network,
        cedar,
      }),
    );
    return;
  }
  console.log(printable(`${profile.name}: ${profile.description}`));
  console.log(`made of ${profile.lineage.join(", ")}`);
  for (const effect of ["allow", "deny"] as const) {
    for (const one of statements.filter((statement) => statement.effect === effect)) {
      const but = one.except.length === 0 ? "" : `, but for ${one.except.join(", ")}`;
      const verb = effect === "allow" ? "may" : "never may";
      console.log(
        printable(
          `${verb} ${one.rights.join(", ")} ${one.pattern}${but} (rule ${one.rule}, ${one.place ?? "no file"}): ${one.reason}`,
        ),
      );
    }
  }
  console.log(
    profile.network.allow.length === 0 ? "reaches no host" : `reaches ${profile.network.allow.join(", ")}`,
  );
  for (const { action, effect, policy, place } of cedar)
    console.log(printable(`Cedar ${effect}s to ${action}, where it holds (policy ${policy}, ${place})`));
}

/** What Cedar is asked while a run goes on, one line for each policy and action. */
function askedInWords(own: readonly Layer[]) {
  return own.flatMap(({ file, asked }) =>
    (["connect", "execute"] as const).flatMap((action) =>
      (asked?.policies[action] ?? []).map((one) => ({
        action,
        effect: one.json.effect,
        policy: policyName(one),
        place: `${file}:${one.place.line}`,
      })),
    ),
  );
}
