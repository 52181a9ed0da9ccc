import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { printable } from "../broker/denial.ts";
import { rulesOf } from "../broker/rules.ts";
import { chosenProfile } from "../broker/saved_profiles.ts";
import { stateDirectory } from "../broker/state.ts";
import { userByUid } from "../broker/user.ts";
import { compilePolicy, decidePath } from "../policy/decide.ts";
import { RIGHT, type RightName, rightNames } from "../policy/rights.ts";
import { SallyportError } from "../protocol/errors.ts";

export type WhyFlags = {
  readonly op: string;
  readonly path: string;
  readonly profile: string;
  readonly state?: string;
  readonly json?: boolean;
};

/** `sallyport why`: what a run started here would be told, and by which rule. Exit 0 for allow, 1 for deny. */
export async function why(flags: WhyFlags): Promise<void> {
  const right = RIGHT[flags.op as RightName];
  if (right === undefined) {
    const known = Object.keys(RIGHT).join(", ");
    throw new SallyportError("INVALID", `Cannot explain --op "${flags.op}": write one of ${known}`);
  }
  const { home } = userByUid(process.geteuid!());
  const workspace = realpathSync(process.cwd());
  const places = { workspace, home, tmp: "/tmp/sallyport-run", state: stateDirectory(flags.state, home) };
  const { profile, profileFile } = chosenProfile(flags.profile, flags.state);
  const policy = compilePolicy(profile.name, rulesOf({ profile, profileFile }, places));
  const path = realpath(resolve(flags.path));
  const verdict = decidePath(policy, path, right);
  const rule = verdict.rule;
  const answer = {
    verdict: verdict.kind,
    path,
    op: flags.op,
    profile: profile.name,
    rule: rule?.id ?? "default-deny",
    reason: rule?.reason ?? `no rule grants ${rightNames(right).join(", ")} here`,
    nextSteps:
      verdict.kind === "allow"
        ? []
        : rule === null
          ? [`sallyport run ${right === RIGHT.read ? "--read" : "--write"} ${path} …`]
          : rule.remedy
            ? [rule.remedy]
            : [],
  };
  if (flags.json) console.log(JSON.stringify(answer));
  else {
    console.log(
      `${answer.verdict}: ${answer.op} ${printable(path)} — ${answer.reason} (rule ${answer.rule} of profile ${profile.name})`,
    );
    for (const step of answer.nextSteps) console.log(`to allow: ${printable(step)}`);
  }
  process.exitCode = verdict.kind === "allow" ? 0 : 1;
}

/** The real name, as far as the path exists. */
function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // What does not exist yet is judged by the name it would get.
    return path === "/" ? path : join(realpath(dirname(path)), basename(path));
  }
}
