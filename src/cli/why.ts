import { resolve } from "node:path";
import { startCedar } from "../broker/cedar/slow_path.ts";
import { type AnyDenial, denialLine, denialOf, printable } from "../broker/denial.ts";
import { rulePlaces } from "../broker/policy_files/rule_places.ts";
import { rulesOf } from "../broker/rules.ts";
import { realName } from "../broker/workspace.ts";
import { compilePolicy, decide, decidePath, type Policy, type Verdict } from "../policy/decide.ts";
import { escapePattern, parsePattern } from "../policy/pattern.ts";
import { patternSubsumes } from "../policy/pattern_subsumes.ts";
import { RIGHT } from "../policy/rights.ts";
import { denialJson } from "../protocol/denial_json.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { Op } from "../protocol/message.ts";
import { whyConnect } from "./why_host.ts";
import { layeredHere, PRIVATE_TMP } from "./why_layers.ts";
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
  const { answer, place } =
    flags.op === "connect" && flags.path === undefined ? await whyHost(flags) : await whyPath(flags);
  const { verdict, profile, op, path, rule, reason } = answer;
  if (flags.json)
    console.log(
      JSON.stringify({
        ...(verdict === "deny" ? { verdict, profile, ...denialJson(answer) } : answer),
        ...(place === null ? {} : { place }),
      }),
    );
  else if (verdict === "deny") {
    console.log(denialLine(answer));
    if (answer.allowedRoots.length > 0)
      console.log(`allowed in: ${answer.allowedRoots.map(printable).join(" ")}`);
  } else console.log(`allowed: ${op} ${printable(path)} — ${reason} (rule ${rule} of profile ${profile})`);
  if (!flags.json && place !== null) console.log(`written in: ${printable(place)}`);
  process.exitCode = verdict === "allow" ? 0 : 1;
}

/** The answer, and FILE:LINE of its rule, or words, or null for what is in no file. */
type Placed = { readonly answer: Answer; readonly place: string | null };

async function whyHost(flags: WhyFlags): Promise<Placed> {
  const here = await layeredHere(flags);
  const answer = whyConnect(here, flags.host, flags.port?.at(-1));
  const placeOf = rulePlaces(here.profile.lineage, here.profileFile, here.layers, here.places);
  return { answer, place: answer.rule.startsWith("policy.") ? placeOf(answer.rule, null) : null };
}

async function whyPath(flags: WhyFlags): Promise<Placed> {
  if (flags.path === undefined)
    throw new SallyportError("INVALID", `Cannot explain --op ${flags.op}: give --path`, { field: "path" });
  const { profile, profileFile, layers, places, asker } = await layeredHere(flags);
  const policy = compilePolicy(profile.name, rulesOf({ profile, profileFile }, places));
  const path = realName(resolve(flags.path));
  const placeOf = rulePlaces(profile.lineage, profileFile, layers, places);
  const placed = (answer: Answer): Placed => {
    // The pattern that matched tells the line of a list from the others.
    const pattern = policy.rules.find(
      ({ id, pattern: one }) => id === answer.rule && matches(one, answer.path),
    );
    return { answer, place: placeOf(answer.rule, pattern?.pattern ?? null) };
  };
  if (flags.op === "exec" || flags.op === "execute") {
    const { answer: byFile, digest } = whyProgram(path, profile, policy, places);
    const answer =
      byFile ?? answerOf("exec", path, decidePath(policy, path, RIGHT.execute | RIGHT.read), policy);
    const forbidden =
      answer.verdict === "deny" ? null : (startCedar(layers, asker)?.execute(path, digest) ?? null);
    return placed(
      forbidden === null
        ? answer
        : {
            verdict: "deny",
            profile: policy.name,
            ...denialOf("exec", path, forbidden, RIGHT.execute, policy),
          },
    );
  }
  if (flags.op === "connect")
    return placed(answerOf("connect-unix", path, decidePath(policy, path, RIGHT.connect), policy));
  const request = requestFor(flags.op, path);
  return placed(answerOf(request.op, path, decide(policy, request, 0), policy));
}

function matches(pattern: string, path: string): boolean {
  return patternSubsumes([parsePattern(pattern)], parsePattern(escapePattern(path)));
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
