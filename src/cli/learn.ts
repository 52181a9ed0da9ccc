import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { stringify } from "yaml";
import { runLogDir } from "../audit/journal.ts";
import { printable } from "../broker/denial.ts";
import { boundsOf, learnFrom, profileOfRun, remember } from "../broker/learning.ts";
import { validateProfile } from "../broker/profiles.ts";
import { chosenProfile, saveProfile, writeFresh } from "../broker/saved_profiles.ts";
import { stateDirectory } from "../broker/state.ts";
import { userByUid } from "../broker/user.ts";
import { realName } from "../broker/workspace.ts";
import { parseYaml } from "../broker/yaml_text.ts";
import type { Learned } from "../policy/learn/learned_profile.ts";
import { formatProblem } from "../policy/problem.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { PROFILE_NAME } from "../policy/profile_fields.ts";
import { denialJson } from "../protocol/denial_json.ts";
import { SallyportError } from "../protocol/errors.ts";
import { runReported, writeError } from "./run.ts";

export type LearnFlags = {
  readonly profile?: string;
  readonly output?: string;
  readonly name: string;
  readonly from?: string;
  readonly timeout?: number;
  readonly state?: string;
};

const MAX_SHOWN = 50;
const DEFAULT_BASE = ":workspace";

type Denied = { readonly op: string; readonly path: string; readonly rule: string; readonly count: number };

/** `sallyport learn`: exit status is that of the program, or 0 with --from. */
export async function learn(argv: string[], flags: LearnFlags): Promise<void> {
  if ((flags.from === undefined) === (argv.length === 0))
    throw new SallyportError("INVALID", "Cannot learn: give a command after --, or a run with --from");
  if (!PROFILE_NAME.test(flags.name) || flags.name.includes(":"))
    throw new SallyportError(
      "INVALID",
      `Cannot call a profile "${flags.name}": write lower-case words joined by dashes`,
    );
  const output = flags.output === undefined ? undefined : resolve(flags.output);
  if (output !== undefined && existsSync(output))
    throw new SallyportError(
      "INVALID",
      `Cannot write the profile to "${output}": it exists; name another with -o FILE`,
    );
  const state = flags.state === undefined ? undefined : resolve(flags.state);
  if (flags.from !== undefined) learnFromLog(flags.from, { ...flags, state, output });
  else await learnFromRun(argv, { ...flags, state, output });
}

type Settled = Omit<LearnFlags, "output" | "state"> & {
  readonly output: string | undefined;
  readonly state: string | undefined;
};

async function learnFromRun(argv: string[], flags: Settled): Promise<void> {
  const base = flags.profile ?? DEFAULT_BASE;
  const { profile } = chosenProfile(base, flags.state);
  mustLieBeside(profile, flags.output);
  writeError(
    "sallyport: LEARNING, which is weaker than running: what no rule denies is granted for this run and recorded, reading and executing anywhere and changes outside the workspace among it; secrets, protected files, system directories and the network stay closed\n",
  );
  const end = await runReported(argv, {
    profile: base,
    read: [],
    write: [],
    socket: [],
    sshSign: [],
    sshLogin: [],
    netAllow: [],
    credential: [],
    listen: [],
    observe: "what no rule denies is granted",
    ...(flags.timeout === undefined ? {} : { timeout: flags.timeout }),
    ...(flags.state === undefined ? {} : { state: flags.state }),
  });
  if (end?.learning === undefined) return;
  const { places, policy } = end.learning;
  const learned = learnFrom(profile, end.learning, policy, places);
  const denied = end.denied.map(({ denial, count }) => ({ ...denialJson(denial), count }));
  write(learned, base, end.run, argv, denied, flags);
}

function learnFromLog(run: string, flags: Settled): void {
  const { home } = userByUid(process.geteuid!());
  const state = stateDirectory(flags.state, home);
  const directory = runLogDir(state, run);
  if (!existsSync(directory))
    throw new SallyportError(
      "NOT_FOUND",
      `Cannot find run "${run}" in "${state}"; sallyport audit show names the runs`,
    );
  const base = flags.profile ?? profileOfRun(directory) ?? DEFAULT_BASE;
  const { profile } = chosenProfile(base, flags.state);
  mustLieBeside(profile, flags.output);
  // The run's temporary directory is gone; its name was random, and nothing of it can be learned.
  const { observed, places, argv, denied } = remember(directory, profile, {
    home,
    state,
    tmp: `${state}/tmp`,
  });
  const learned = learnFrom(profile, observed, boundsOf(profile, places), places);
  const partly = "made of refusals: a program that was refused may have gone no further, so run it once more";
  write({ ...learned, warnings: [...learned.warnings, partly] }, base, run, argv, denied, flags);
}

function write(
  learned: Learned,
  base: string,
  run: string,
  argv: readonly string[],
  denied: readonly Denied[],
  flags: Settled,
): void {
  const text = textOf(learned, base, run, argv, flags);
  const file = flags.output ?? saveProfile(flags.name, text, flags.state);
  if (flags.output !== undefined) writeFresh(flags.output, text);
  const [problem] = validateProfile(file);
  if (problem !== undefined)
    throw new SallyportError("INTERNAL", `The learned profile is not valid: ${formatProblem(problem)}`);
  const kept = denied.map(
    ({ op, path, rule, count }) =>
      `asked for and stayed denied: ${op} ${path} (rule ${rule}), ${count} times`,
  );
  const usedAs = flags.output ?? flags.name;
  const added = [
    ...learned.execute.map((path) => `+ execute ${path}`),
    ...learned.rules.map(
      ({ rights, paths, reason }) => `+ allow ${rights.join(",")} ${paths.join(" ")} — ${reason}`,
    ),
  ];
  const lines = [
    `learned beside ${base}: ${added.length === 0 ? "nothing, it suffices" : `${learned.rules.length} rules, ${learned.execute.length} programs`} · ${file}`,
    ...shown(added, "rules"),
    ...shown(
      [...learned.warnings, ...kept].map((warning) => `! ${warning}`),
      "warnings",
    ),
    `read it, then: sallyport run -p ${usedAs} -- ${argv.join(" ")}`,
  ];
  for (const line of lines) writeError(`sallyport: ${printable(line)}\n`);
}

function shown(lines: readonly string[], what: string): string[] {
  const more = lines.length - MAX_SHOWN;
  return more <= 0 ? [...lines] : [...lines.slice(0, MAX_SHOWN), `${more} more ${what}`];
}

/** The profile as a file. A base that is a file itself is taken in whole, since only built-in profiles can be extended by name. */
function textOf(
  learned: Learned,
  base: string,
  run: string,
  argv: readonly string[],
  flags: Settled,
): string {
  const whole = base.startsWith(":") ? { extends: [base] } : fieldsOf(base, flags.state);
  const native = (whole["native"] ?? {}) as { read?: string[]; execute?: string[] };
  const rules = [...((whole["rules"] ?? []) as unknown[]), ...learned.rules];
  const execute = [...(native.execute ?? []), ...learned.execute];
  const { name: _, version: __, description: ___, ...rest } = whole;
  const fields = {
    name: flags.name,
    version: 1,
    description: `${base} and what one run needed beside it`,
    ...rest,
    // A read that is granted by a rule has to be asked for.
    ...(learned.rules.length > 0 ? { reads: "brokered" } : {}),
    ...(execute.length > 0 ? { native: { ...native, execute } } : {}),
    ...(rules.length > 0 ? { rules } : {}),
  };
  const head = `# Learned from run ${run}: ${printable(argv.join(" "))}\n# Read every rule before you use it.\n`;
  return head + stringify(fields, { lineWidth: 0 });
}

function fieldsOf(nameOrFile: string, state: string | undefined): Record<string, unknown> {
  const { profileFile } = chosenProfile(nameOrFile, state);
  return parseYaml(readFileSync(profileFile!, "utf8")) as Record<string, unknown>;
}

/** What is learned keeps the Cedar policies of its base, which lie beside a profile. */
function mustLieBeside({ cedar: [policies] }: ResolvedProfile, output: string | undefined): void {
  if (policies === undefined || !policies.file.startsWith("/")) return;
  const place = dirname(policies.file);
  if (output !== undefined && realName(dirname(resolve(output))) === place) return;
  throw new SallyportError(
    "INVALID",
    `Cannot learn beside a profile with Cedar policies in "${policies.file}": they lie beside it; write -o ${place}/NAME.yaml`,
  );
}
