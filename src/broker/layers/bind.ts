import { parseCredential } from "../../policy/credential.ts";
import { applyLayers } from "../../policy/layers/apply.ts";
import { hostWithin } from "../../policy/layers/hosts.ts";
import { describeLayers, type Layer } from "../../policy/layers/layer.ts";
import { among, isWeaker, type OrderedField } from "../../policy/layers/strictness.ts";
import { widenings } from "../../policy/layers/widening.ts";
import { parseNetworkGrant } from "../../policy/network.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { ownCedar } from "../cedar/bound.ts";
import { packBeyond } from "../packs/load.ts";
import { readPoints } from "../policy_points/decide.ts";
import type { RunOptions } from "../run_options.ts";
import { userByUid } from "../user.ts";
import { realName } from "../workspace.ts";
import { floorOf } from "./floor.ts";
import { MANAGED, readLayers } from "./read_layers.ts";

/** Who starts the run, and where. */
export type Here = {
  readonly workspace: string;
  readonly home: string;
  readonly uid: number;
  readonly state: string;
};

/** The options of a run with its profile under the layers that hold here. Throws SETUP or INVALID where they do not fit. */
export async function bindToLayers(
  options: RunOptions,
  here: Here,
): Promise<RunOptions & { readonly layers: readonly Layer[] }> {
  const { profile, layers } = await layeredProfile(options, here, options.managedLayers);
  const problems = layers.flatMap((layer) => optionProblems(options, layer));
  if (problems.length > 0) throw beyond(problems);
  await askPoints(options, profile, here);
  return { ...options, profile, layers };
}

/** Asks the policy points that are to be asked when a run starts. */
async function askPoints(
  { argv, user }: RunOptions,
  { name }: ResolvedProfile,
  { home, uid, workspace }: Here,
): Promise<void> {
  const points = await readPoints(home, uid);
  const asked = await points.decide({
    occasion: "run",
    agent: user ?? userByUid(uid).name,
    resource: { id: name, attributes: { workspace, command: argv[0]! } },
    context: { run: "", uid, nowMs: Date.now() },
  });
  if (asked.kind === "allow") return;
  throw new SallyportError(
    "SETUP",
    `Cannot start the run: ${asked.reason}; ask whoever has set up the policy points`,
    { errno: "EACCES" },
  );
}

/** A profile under the layers that hold here. */
export async function layeredProfile(
  { profile, netAllow = [] }: Pick<RunOptions, "profile" | "netAllow">,
  { workspace, home, uid, state }: Here,
  managed: readonly string[] = MANAGED,
): Promise<{ profile: ResolvedProfile; layers: readonly Layer[] }> {
  const agent = userByUid(uid).name;
  const above = await readLayers({ managed, home, uid, workspace, agent });
  const layers = [...above, ...ownCedar(profile, agent)];
  if (layers.length === 0) return { profile, layers };
  const floor = floorOf();
  const places = { workspace, home: realName(home), tmp: "/tmp/sallyport-run", state };
  const asked = {
    ...profile,
    network: { ...profile.network, allow: [...profile.network.allow, ...netAllow] },
  };
  const problems = [
    ...layers.flatMap((layer) => profileProblem(profile, layer)),
    ...packBeyond(profile, above),
    ...widenings(asked, above, places, floor).map(
      ({ file, line, column, what, beyond }) =>
        `${file}:${line}:${column}: grants ${what}, which ${beyond} does not; take it out, or narrow it`,
    ),
  ];
  if (problems.length > 0) throw beyond(problems);
  return { profile: seenByCedar(applyLayers(profile, layers, floor), layers), layers };
}

/** Cedar decides on the programs that the broker sees: an execution that nobody sees would be one that nothing refuses. */
function seenByCedar(profile: ResolvedProfile, layers: readonly Layer[]): ResolvedProfile {
  const asks = layers.some(({ asked }) => asked !== undefined && asked.policies.execute.length > 0);
  return asks ? { ...profile, execution: { ...profile.execution, watch: "required" } } : profile;
}

/** For the start line: "managed 1a2b3c4d, project 5e6f7081". */
export function layersInWords(layers: readonly Layer[], digits: "short" | "whole"): string {
  return describeLayers(layers, digits);
}

function profileProblem({ lineage }: ResolvedProfile, layer: Layer): string[] {
  const name = lineage.at(-1)!;
  if (layer.profiles === null || layer.profiles.includes(name)) return [];
  return [
    `${layer.where("profiles")}: lets -p name ${layer.profiles.join(", ")}, and it names ${name}; name one of these`,
  ];
}

/** What the command line asks beyond a layer. Paths are not looked at: the rules of the layer win over them. */
function optionProblems(options: RunOptions, layer: Layer): string[] {
  const problems: string[] = [];
  const weaker = (field: OrderedField, flag: string, word: string | undefined): void => {
    const asked = layer.fields[field];
    if (word === undefined || asked === undefined || !isWeaker(field, word, asked as string)) return;
    problems.push(
      `${layer.where(field)}: asks ${field}: ${asked}, and the command line ${flag} ${word}; take the option out`,
    );
  };
  weaker("enforcement", "--enforcement", options.enforcement);
  weaker("undo", "--undo", options.undo);
  weaker("reads", "--reads", options.readsHow);
  const hosts = layer.network.allow;
  if (hosts !== null) {
    const wide = hosts.map(({ text }) => parseNetworkGrant(text)!);
    const credentials = (options.credentials ?? []).map(parseCredential).filter((one) => one !== null);
    const asked = [...(options.netAllow ?? []), ...credentials.map(({ host, port }) => `${host}:${port}`)];
    for (const text of asked) {
      const grant = parseNetworkGrant(text);
      if (grant === null || hostWithin(grant, wide)) continue;
      problems.push(
        `${layer.where("network", "allow")}: does not name ${text}, which the command line grants; take the option out`,
      );
    }
  }
  const ports = layer.network.listen;
  const port = (options.listen ?? []).find((one) => ports !== null && !ports.includes(one));
  if (port !== undefined)
    problems.push(
      `${layer.where("network", "listen")}: does not name port ${port}, which the command line opens; take the option out`,
    );
  for (const [agent, use, asked] of [
    ["sshKeys", "sign", options.sshSign],
    ["sshKeys", "login", options.sshLogin],
    ["gpgKeys", "sign", options.gpgSign],
  ] as const) {
    const keys = (layer.fields[agent] ?? {}) as Record<string, unknown>;
    const left = among(asked ?? [], keys[use]);
    if (left.length !== (asked ?? []).length)
      problems.push(
        `${layer.where(agent, use)}: does not name a key that the command line grants; take the option out`,
      );
  }
  return problems;
}

function beyond(problems: readonly string[]): SallyportError {
  return new SallyportError(
    "INVALID",
    `Cannot run under the policy layers:${problems.map((line) => `\n  ${line}`).join("")}`,
  );
}
