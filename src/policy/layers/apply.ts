import { parseCredentialHost } from "../credential.ts";
import { formatNetworkGrant, parseNetworkGrant } from "../network.ts";
import type { ProfileRule, ResolvedProfile } from "../profile.ts";
import { RIGHT, type RightName, rightNames } from "../rights.ts";
import { hostsMeet, hostWithin } from "./hosts.ts";
import type { Layer, LayerRule } from "./layer.ts";
import { strictest } from "./strictness.ts";

/** Rights on which a layer has no say: no kernel layer keeps a program from stat. */
const NEVER_BOUND = RIGHT.stat;
const LOOKED_AT_BY_THE_KERNEL = RIGHT.read | RIGHT.list | RIGHT.execute;

/**
 * The profile under its layers: what it grants and every layer lets be. `floor` are patterns by right that no layer takes, since no
 * program runs without them. A bound is written as a deny rule with exceptions, so that everything that knows deny rules holds it.
 */
export function applyLayers(
  profile: ResolvedProfile,
  layers: readonly Layer[],
  floor: (right: RightName) => readonly string[],
): ResolvedProfile {
  let bound = profile;
  const rules: ProfileRule[] = [];
  for (const layer of layers) {
    bound = strictest(bound, layer.fields);
    bound = { ...bound, network: boundNetwork(bound.network, layer) };
    rules.push(...deniesOf(layer), ...ceilingsOf(layer, floor));
    // The kernel grants whole trees: what a layer cuts out of one can only be decided name by name.
    const reads = layer.rules.some(
      (rule) => rule.effect === "allow" && (rule.rights & LOOKED_AT_BY_THE_KERNEL) !== 0,
    );
    if (reads) bound = { ...bound, reads: "brokered" };
  }
  return { ...bound, rules: [...bound.rules, ...distinct(rules)] };
}

/** What the allow rules of a layer say of one right; null: the layer does not speak of it. */
export function ceilingOf(layer: Layer, right: RightName): readonly LayerRule[] | null {
  const speaking = layer.rules.filter(
    (rule) => rule.effect === "allow" && (rule.rights & RIGHT[right]) !== 0,
  );
  return speaking.length === 0 ? null : speaking;
}

function deniesOf({ kind, file, rules }: Layer): ProfileRule[] {
  return rules
    .filter(({ effect }) => effect === "deny")
    .map(({ id, rights, paths, except, reason, remedy, place }) => ({
      id: `${kind}.${id}`,
      effect: "deny",
      rights,
      patterns: paths.map(({ text }) => text),
      except,
      reason: `${reason} (${file}:${place.line})`,
      remedy,
    }));
}

function ceilingsOf(layer: Layer, floor: (right: RightName) => readonly string[]): ProfileRule[] {
  const byExcept = new Map<string, { rights: number; except: readonly string[]; line: number }>();
  for (const right of rightNames(0x1ff & ~NEVER_BOUND)) {
    const speaking = ceilingOf(layer, right);
    if (speaking === null) continue;
    const except = [
      ...new Set([...speaking.flatMap(({ paths }) => paths.map(({ text }) => text)), ...floor(right)]),
    ];
    const key = JSON.stringify(except);
    const known = byExcept.get(key);
    if (known === undefined)
      byExcept.set(key, { rights: RIGHT[right], except, line: speaking[0]!.place.line });
    else known.rights |= RIGHT[right];
  }
  return [...byExcept.values()].map(({ rights, except, line }) => ({
    id: `${layer.kind}.ceiling`,
    effect: "deny",
    rights,
    patterns: ["/", "/**"],
    except,
    reason: `The ${layer.kind} layer lets ${rightNames(rights).join(", ")} be granted elsewhere only (${layer.file}:${line})`,
    remedy:
      layer.kind === "managed"
        ? "Ask whoever administers this machine"
        : `Change ${layer.file} outside of the run`,
  }));
}

function boundNetwork(network: ResolvedProfile["network"], layer: Layer): ResolvedProfile["network"] {
  const { allow, listen } = layer.network;
  const grants = (texts: readonly string[]) => texts.map(parseNetworkGrant).filter((grant) => grant !== null);
  return {
    allow:
      allow === null
        ? network.allow
        : hostsMeet(grants(network.allow), grants(allow.map(({ text }) => text))).flatMap(eachPort),
    // A host that a credential is for is a granted one.
    credentials:
      allow === null
        ? network.credentials
        : network.credentials.filter(({ host }) => {
            const named = parseCredentialHost(host);
            const grant = named === null ? null : parseNetworkGrant(`${named.host}:${named.port}`);
            return grant !== null && hostWithin(grant, grants(allow.map(({ text }) => text)));
          }),
    listen: listen === null ? network.listen : network.listen.filter((port) => listen.includes(port)),
  };
}

/** A grant of several ports is written once for each. */
function eachPort(grant: Parameters<typeof formatNetworkGrant>[0]): string[] {
  if (grant.ports === "any") return [formatNetworkGrant(grant)];
  return grant.ports.map((port) => formatNetworkGrant({ ...grant, ports: [port] }));
}

/** Rules of one id share their exceptions: each gets a name of its own. */
function distinct(rules: readonly ProfileRule[]): ProfileRule[] {
  const seen = new Map<string, number>();
  return rules.map((rule) => {
    const count = (seen.get(rule.id) ?? 0) + 1;
    seen.set(rule.id, count);
    return count === 1 ? rule : { ...rule, id: `${rule.id}-${count}` };
  });
}
