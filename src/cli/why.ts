import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { type AnyDenial, denialLine, denialOf, printable } from "../broker/denial.ts";
import { rulesOf } from "../broker/rules.ts";
import { chosenProfile } from "../broker/saved_profiles.ts";
import { stateDirectory } from "../broker/state.ts";
import { userByUid } from "../broker/user.ts";
import { realName } from "../broker/workspace.ts";
import { compilePolicy, decide, decidePath, type Policy, type Verdict } from "../policy/decide.ts";
import { RIGHT } from "../policy/rights.ts";
import { denialJson } from "../protocol/denial_json.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { Op } from "../protocol/message.ts";
import { whyConnect } from "./why_host.ts";
import { whyProgram } from "./why_program.ts";
import { requestFor } from "./why_request.ts";

export type WhyFlags = {
  readonly op: string;
  readonly path?: string;
  readonly host?: string;
  readonly port?: readonly number[];
  readonly profile: string;
  readonly state?: string;
  readonly json?: boolean;
};

const PRIVATE_TMP = "/tmp/sallyport-run";

/** Of a denial everything that a denied program is told, in the same words. */
export type Answer =
  | {
      readonly verdict: "allow";
      readonly profile: string;
      readonly op: string;
      readonly path: string;
      readonly rule: string;
      readonly reason: string;
    }
  | ({ readonly verdict: "deny"; readonly profile: string } & AnyDenial);

/** `sallyport why`: what a run started here would be told, and by which rule. Exit 0 for allow, 1 for deny. */
export async function why(flags: WhyFlags): Promise<void> {
  const answer =
    flags.op === "connect" && flags.path === undefined
      ? whyConnect(flags.profile, flags.host, flags.port?.at(-1))
      : whyPath(flags);
  const { verdict, profile, op, path, rule, reason } = answer;
  if (flags.json)
    console.log(JSON.stringify(verdict === "deny" ? { verdict, profile, ...denialJson(answer) } : answer));
  else if (verdict === "deny") {
    console.log(denialLine(answer));
    if (answer.allowedRoots.length > 0)
      console.log(`allowed in: ${answer.allowedRoots.map(printable).join(" ")}`);
  } else console.log(`allowed: ${op} ${printable(path)} — ${reason} (rule ${rule} of profile ${profile})`);
  process.exitCode = verdict === "allow" ? 0 : 1;
}

function whyPath(flags: WhyFlags): Answer {
  if (flags.path === undefined)
    throw new SallyportError("INVALID", `Cannot explain --op ${flags.op}: give --path`, { field: "path" });
  const { home } = userByUid(process.geteuid!());
  const workspace = realpathSync(process.cwd());
  const places = {
    workspace,
    home: realName(home),
    tmp: PRIVATE_TMP,
    state: realName(stateDirectory(flags.state, home)),
  };
  const { profile, profileFile } = chosenProfile(flags.profile, flags.state);
  const policy = compilePolicy(profile.name, rulesOf({ profile, profileFile }, places));
  const path = realName(resolve(flags.path));
  if (flags.op === "exec" || flags.op === "execute")
    return (
      whyProgram(path, profile, policy, places) ??
      answerOf("exec", path, decidePath(policy, path, RIGHT.execute | RIGHT.read), policy)
    );
  if (flags.op === "connect")
    return answerOf("connect-unix", path, decidePath(policy, path, RIGHT.connect), policy);
  const request = requestFor(flags.op, path);
  return answerOf(request.op, path, decide(policy, request, 0), policy);
}

function answerOf(op: Op, path: string, verdict: Verdict, policy: Policy): Answer {
  const profile = policy.name;
  if (verdict.kind === "deny") {
    const denial = denialOf(op, verdict.path, verdict.rule, verdict.missing, policy);
    // Each run has one of its own, of a name that nobody knows before.
    const allowedRoots = denial.allowedRoots.filter((root) => root !== PRIVATE_TMP);
    return { verdict: "deny", profile, ...denial, allowedRoots };
  }
  const { id: rule, reason } = verdict.rule;
  return { verdict: "allow", profile, op, path, rule, reason };
}
