import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { grantFlag, printable } from "../broker/denial.ts";
import { layeredProfile } from "../broker/layers/bind.ts";
import { rulePlaces } from "../broker/policy_files/rule_places.ts";
import { rulesOf } from "../broker/rules.ts";
import { chosenProfile } from "../broker/saved_profiles.ts";
import { stateDirectory } from "../broker/state.ts";
import { userByUid } from "../broker/user.ts";
import { realName } from "../broker/workspace.ts";
import { compilePolicy, decidePath } from "../policy/decide.ts";
import { RIGHT, type RightName, rightNames } from "../policy/rights.ts";
import { SallyportError } from "../protocol/errors.ts";
import { whyConnect } from "./why_host.ts";
import { whyProgram } from "./why_program.ts";

export type WhyFlags = {
  readonly op: string;
  readonly path?: string;
  readonly host?: string;
  readonly port?: readonly number[];
  readonly profile: string;
  readonly state?: string;
  readonly json?: boolean;
};

export type Answer = {
  readonly verdict: "allow" | "deny";
  readonly path: string;
  readonly op: string;
  readonly profile: string;
  readonly rule: string;
  readonly reason: string;
  readonly nextSteps: readonly string[];
  /** Where the rule is written: FILE:LINE, or words; null when no file says it. */
  readonly place?: string | null;
};

/** `sallyport why`: what a run started here would be told, and by which rule. Exit 0 for allow, 1 for deny. */
export async function why(flags: WhyFlags): Promise<void> {
  const answer =
    flags.op === "connect" ? whyConnect(flags.profile, flags.host, flags.port?.at(-1)) : await whyPath(flags);
  if (flags.json) console.log(JSON.stringify(answer));
  else {
    console.log(
      `${answer.verdict}: ${answer.op} ${printable(answer.path)} — ${answer.reason} (rule ${answer.rule} of profile ${answer.profile}${answer.place ? `, ${printable(answer.place)}` : ""})`,
    );
    for (const step of answer.nextSteps) console.log(`to allow: ${printable(step)}`);
  }
  process.exitCode = answer.verdict === "allow" ? 0 : 1;
}

async function whyPath(flags: WhyFlags): Promise<Answer> {
  const op = flags.op === "exec" ? "execute" : flags.op;
  const right = RIGHT[op as RightName];
  if (right === undefined) {
    const known = [...Object.keys(RIGHT), "exec"].join(", ");
    throw new SallyportError("INVALID", `Cannot explain --op "${flags.op}": write one of ${known}`);
  }
  if (flags.path === undefined)
    throw new SallyportError("INVALID", `Cannot explain --op ${flags.op}: give --path`);
  const { home } = userByUid(process.geteuid!());
  const workspace = realpathSync(process.cwd());
  const places = {
    workspace,
    home: realName(home),
    tmp: "/tmp/sallyport-run",
    state: realName(stateDirectory(flags.state, home)),
  };
  const { profile: chosen, profileFile } = chosenProfile(flags.profile, flags.state);
  const { profile, layers } = await layeredProfile(
    { profile: chosen },
    { workspace, home, uid: process.geteuid!(), state: places.state },
  );
  const policy = compilePolicy(profile.name, rulesOf({ profile, profileFile }, places));
  const path = realName(resolve(flags.path));
  if (right === RIGHT.execute) {
    const byProgram = whyProgram(path, profile, policy, places);
    if (byProgram !== null) return byProgram;
  }
  const verdict = decidePath(policy, path, right);
  const rule = verdict.rule;
  return {
    verdict: verdict.kind,
    path,
    op,
    profile: profile.name,
    rule: rule?.id ?? "default-deny",
    place:
      rule === null ? null : rulePlaces(profile.lineage, profileFile, layers, places)(rule.id, rule.pattern),
    reason: rule?.reason ?? `no rule grants ${rightNames(right).join(", ")} here`,
    nextSteps:
      verdict.kind === "allow"
        ? []
        : rule === null
          ? [`sallyport run ${grantFlag(right)} ${path} …`]
          : rule.remedy
            ? [rule.remedy]
            : [],
  };
}
