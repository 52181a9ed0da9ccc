import { closeSync } from "node:fs";
import { join } from "node:path";
import { CAP_SYS_PTRACE, capabilityNumber } from "../platform/capabilities.ts";
import { buildFloor, type FloorGrant } from "../platform/landlock.ts";
import { cachedFilter } from "../platform/seccomp/cache.ts";
import { makeClassifier } from "../platform/seccomp/classify.ts";
import type { FilterOptions, Mediation } from "../platform/seccomp/spec.ts";
import { compilePolicy, decidePath, type Policy } from "../policy/decide.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { toCredentialGrant } from "../policy/profile_credential.ts";
import { RIGHT } from "../policy/rights.ts";
import { mayMatchBelow } from "../policy/trie.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { EnvironmentRules } from "./environment.ts";
import { readCredentials } from "./network/credentials.ts";
import { describeGrants, type NetworkGrants, networkGrants } from "./network/grants.ts";
import type { Classify } from "./notify/front.ts";
import { observingPolicy } from "./observing.ts";
import { packageFiles } from "./package_files.ts";
import { filterSpec } from "./profiles.ts";
import { type ProgramTable, programTable } from "./programs/program_table.ts";
import { expandEnvironment, fill, nativePaths, rulesOf } from "./rules.ts";
import type { RunFacts } from "./run_facts.ts";
import type { RunOptions } from "./run_options.ts";
import type { Authority } from "./tokens/authority.ts";
import { narrowNetwork } from "./tokens/narrow_network.ts";
import { narrowTrees } from "./tokens/narrow_trees.ts";
import { unixSockets } from "./unix_sockets.ts";
import { holds, type Places } from "./workspace.ts";

/** Everything a launch needs, made before the program exists. */
export type Confinement = {
  readonly policy: Policy;
  readonly programs: ProgramTable;
  /** What a run that is learned from is granted in place of `policy`, where that has no rule. */
  readonly observing: Policy | null;
  readonly rulesetFd: number;
  readonly filter: Uint8Array;
  readonly listener: "notify" | "none";
  readonly classify: Classify;
  readonly environment: EnvironmentRules;
  readonly rlimits: readonly (readonly [number, number, number])[];
  readonly keepCapabilities: readonly number[];
  /** What the broker's own thread keeps while it serves the run: no more than the program, and to read another user's memory. */
  readonly brokerCapabilities: readonly number[];
  /** null: the network is off. */
  readonly network: NetworkGrants | null;
  readonly facts: Pick<
    RunFacts,
    "access" | "mediation" | "reads" | "readsBecause" | "landlockAbi" | "missing" | "net"
  >;
  close(): void;
};

const RLIMIT = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
} as const;

/** Turns a profile into kernel objects and a policy. Throws SETUP when a layer that the profile wants is not to be had. */
export function confine(
  options: RunOptions,
  places: Places,
  authority: Authority | null = null,
): Confinement {
  const { profile } = options;
  const unknown = profile.linuxCapabilities.find((name) => capabilityNumber(name) < 0);
  if (unknown !== undefined) {
    throw new SallyportError(
      "SETUP",
      `Cannot confine the program: linuxCapabilities of profile "${profile.name}" names "${unknown}"; capabilities(7) has the names`,
    );
  }
  const rules = rulesOf(options, places);
  const byPath = compilePolicy(profile.name, rules);
  const observing = options.observe === undefined ? null : observingPolicy(profile, rules, places);
  const trees = nativeTrees(options, places, byPath, authority);
  const programs = programTable(profile, byPath, trees, places);
  const policy =
    programs.reads.length === 0 ? byPath : compilePolicy(profile.name, [...rules, ...programs.reads]);
  if (programs.isOn) checkCompatible(profile, observing);
  const readable = trees.map(({ path }) => path);
  const network = networkGrants(
    profile,
    options.netAllow,
    options.listen,
    readCredentials(
      options,
      profile.network.credentials.map((one) => toCredentialGrant(one, (text) => fill(text, places))),
      policy,
      observing === null ? readable : [...readable, "/"],
    ),
  );
  return keptByKernel(options, places, { policy, programs, observing, trees, authority, network });
}

/** The same for a session of the run that has less: policy and programs are those of the run. */
export function confineFurther(
  { policy, programs, network }: Confinement,
  options: RunOptions,
  places: Places,
  authority: Authority,
): Confinement {
  const trees = nativeTrees(options, places, policy, authority);
  return keptByKernel(options, places, { policy, programs, observing: null, trees, authority, network });
}

type Decided = Pick<Confinement, "policy" | "programs" | "observing" | "network"> & {
  readonly trees: readonly FloorGrant[];
  readonly authority: Authority | null;
};

function keptByKernel(
  options: RunOptions,
  places: Places,
  { policy, programs, observing, trees, authority, network: granted }: Decided,
): Confinement {
  const { profile } = options;
  const grants = programs.refine(trees);
  if (observing !== null) grants.push({ path: "/", access: "execute" });
  const { reads, because } =
    authority === null ? howReads(options, policy, trees, places, programs) : readsWithToken(options);
  const mediation: Mediation = reads === "brokered" ? "strict" : profile.mediation;
  const unix = unixSockets(options, policy, mediation);
  const network = authority === null ? granted : narrowNetwork(granted, authority);
  const inet = network === null ? "refused" : "namespace";
  const filterOptions: FilterOptions = { mediation, memfd: profile.memfd, unix, inet };
  const spec = filterSpec(profile.syscalls);
  const { filter, listener } = compiled(() =>
    cachedFilter(spec, filterOptions, join(places.state, "cache", "bpf")),
  );

  const floor = floorOf(grants, network === null ? "refused" : "left alone");
  const missing = floor.missing;
  const enforcement = options.enforcement ?? profile.enforcement;
  if (enforcement === "hard" && floor.abi < profile.minimumLandlockAbi) {
    closeSync(floor.rulesetFd);
    throw new SallyportError(
      "SETUP",
      `Cannot confine the program: Landlock ABI ${profile.minimumLandlockAbi} is required, this kernel offers ${floor.abi} (without ${missing.join(", ")}); use a newer kernel, or accept less with --enforcement best-effort`,
      { errno: "EOPNOTSUPP", stage: "landlock" },
    );
  }
  const keepCapabilities = profile.linuxCapabilities.map(capabilityNumber);
  const changesUser = options.user !== undefined;
  return {
    policy,
    programs,
    network,
    observing,
    rulesetFd: floor.rulesetFd,
    filter,
    listener,
    classify: makeClassifier(spec, filterOptions).classify,
    environment: expandEnvironment(profile.environment, places),
    rlimits: Object.entries(rlimitsOf(profile, authority)).map(([name, value]) => {
      const limit = value === "unlimited" ? -1 : value;
      return [RLIMIT[name as keyof typeof RLIMIT], limit, limit];
    }),
    keepCapabilities,
    brokerCapabilities: changesUser ? [...keepCapabilities, CAP_SYS_PTRACE] : keepCapabilities,
    facts: {
      access: authority === null ? accessOf(policy, places) : "workspace by token",
      mediation,
      reads,
      readsBecause: because,
      landlockAbi: floor.abi,
      missing,
      net: describeGrants(network),
    },
    close: () => closeSync(floor.rulesetFd),
  };
}

/** No file that the program writes itself may grow beyond what the profile, and every one of its tokens, allows. */
function rlimitsOf(
  { rlimits, fileLimits: { maxBytes } }: RunOptions["profile"],
  authority: Authority | null,
): RunOptions["profile"]["rlimits"] {
  const { fsize = "unlimited" } = rlimits;
  const all = [fsize === "unlimited" ? null : fsize, maxBytes, authority?.maxFileBytes ?? null];
  const limits = all.filter((limit) => limit !== null);
  return limits.length === 0 ? rlimits : { ...rlimits, fsize: Math.min(...limits) };
}

/** What would let programs run past the table of them. */
function checkCompatible(profile: ResolvedProfile, observing: Policy | null): void {
  const refuse = (why: string, wayOut: string): never => {
    throw new SallyportError(
      "SETUP",
      `Cannot tell the programs of profile "${profile.name}" apart: ${why}; ${wayOut}`,
    );
  };
  if (observing !== null) refuse("what is learned from may execute anything", "learn beside :workspace");
  if (profile.memfd === "any")
    refuse("memfd is any, which runs what never was a file", "write memfd: noexec");
}

function compiled<T>(compile: () => T): T {
  try {
    return compile();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new SallyportError("SETUP", `${message}; see sallyport doctor`, { stage: "seccomp", cause });
  }
}

function floorOf(grants: readonly FloorGrant[], tcp: "refused" | "left alone") {
  try {
    return buildFloor(grants, tcp);
  } catch (error) {
    const { syscall = "landlock", code = "ENOSYS" } = error as { syscall?: string; code?: string };
    throw new SallyportError(
      "SETUP",
      `Cannot confine the program: ${syscall} failed: ${code}; Landlock is required, see sallyport doctor`,
      { errno: code, stage: "landlock" },
    );
  }
}

function nativeTrees(
  options: RunOptions,
  places: Places,
  policy: Policy,
  authority: Authority | null,
): FloorGrant[] {
  const trees = nativeGrants(options, places).filter(({ path }) => !isDenied(policy, path));
  return authority === null ? trees : narrowTrees(trees, authority, places);
}

/** What the kernel was told at the start it goes on to let be read; a token ends. */
function readsWithToken({ readsHow, observe, profile }: RunOptions): {
  reads: "brokered";
  because: string;
} {
  const refuse = (problem: string): never => {
    throw new SallyportError("SETUP", `Cannot start with a token: ${problem}`);
  };
  if (readsHow === "native") refuse("--reads native would let reads go on after it has ended; leave it out");
  if (observe !== undefined) refuse("what is learned from is granted what no rule denies; learn without it");
  if (profile.mediation === "kernel")
    refuse(`profile "${profile.name}" has mediation "kernel", where nobody asks the broker; use "writes"`);
  return { reads: "brokered", because: "a token ends" };
}

function nativeGrants(options: RunOptions, places: Places): FloorGrant[] {
  const native = nativePaths(options.profile, places);
  return [
    ...native.execute.map((path) => ({ path, access: "execute" as const })),
    ...native.read.map((path) => ({ path, access: "read" as const })),
    ...[...(options.reads ?? []), ...(options.writes ?? [])].map((path) => ({
      path,
      access: "execute" as const,
    })),
    ...packageFiles().map((path) => ({ path, access: "read" as const })),
    { path: places.tmp, access: "execute" },
    { path: "/dev/tty", access: "terminal" },
  ];
}

/**
 * A tree that Landlock lets be read natively is readable whole. Where a rule denies reads of a name that is in it, or may come
 * to be in it, its reads have to be brokered.
 */
function howReads(
  options: RunOptions,
  policy: Policy,
  grants: readonly FloorGrant[],
  places: Places,
  programs: ProgramTable,
): { reads: "native" | "brokered"; because: string } {
  const how = options.readsHow ?? options.profile.reads;
  if (options.observe !== undefined) return { reads: "brokered", because: "so that they are seen" };
  if (options.profile.mediation === "strict") return { reads: "brokered", because: "profile" };
  if (how === "brokered") return { reads: "brokered", because: "asked for" };
  if (programs.isOn) {
    // The dynamic loader is needed by every program, and what it opens when it is executed by itself can only be seen here.
    if (how === "native")
      return { reads: "native", because: "although the loader runs any file that it can read" };
    return { reads: "brokered", because: "programs are told apart" };
  }
  for (const { path } of grants) {
    // What root alone can write holds nobody's secrets in passing.
    if (!holds(places.home, path) && !holds(places.workspace, path) && !isChosen(path, options)) continue;
    const denying = mayMatchBelow(policy.compiled, path, RIGHT.read);
    const [first] = denying;
    if (first === undefined) continue;
    if (how === "native") return { reads: "native", because: `although ${first.id} denies names in ${path}` };
    const place = holds(places.workspace, path) ? "the workspace" : path;
    return { reads: "brokered", because: `${first.id} denies names in ${place}` };
  }
  return { reads: "native", because: "" };
}

/** Deny wins: a grant that is itself a denied file, or lies in a denied directory, is none. */
function isDenied(policy: Policy, path: string): boolean {
  const verdict = decidePath(policy, path, RIGHT.read);
  return verdict.kind === "deny" && verdict.rule !== null;
}

function isChosen(path: string, options: RunOptions): boolean {
  return (options.reads ?? []).includes(path) || (options.writes ?? []).includes(path);
}

function accessOf(policy: Policy, places: Places): RunFacts["access"] {
  const probe = `${places.workspace}/\u0001`;
  if (decidePath(policy, probe, RIGHT.write).kind === "allow") return "workspace rw";
  return decidePath(policy, probe, RIGHT.read).kind === "allow" ? "workspace ro" : "no workspace";
}
