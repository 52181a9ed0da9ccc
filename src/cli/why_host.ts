import { startCedar } from "../broker/cedar/slow_path.ts";
import { refusal } from "../broker/denial.ts";
import { plainHost } from "../broker/network/flow_gate.ts";
import { networkGrants } from "../broker/network/grants.ts";
import { isOwnAddress } from "../broker/network/outside.ts";
import { parseCredentialHost } from "../policy/credential.ts";
import { formatEndpoint, NetworkPolicy } from "../policy/network.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { Answer } from "./why.ts";
import type { Layered } from "./why_layers.ts";

/** What a run would be told that connects to HOST and PORT. No name is looked up: where it leads is decided when it is connected to. */
export function whyConnect(
  { profile, layers, asker }: Layered,
  host: string | undefined,
  port: number | undefined,
): Answer {
  if (host === undefined || port === undefined)
    throw new SallyportError("INVALID", "Cannot explain --op connect: give --host and --port");
  const grants = networkGrants(profile);
  const terminated = profile.network.credentials.filter(({ tls }) => tls === "terminated");
  const policy = terminated.reduce(
    (all, one) => {
      const at = parseCredentialHost(one.host)!;
      return all.with({ kind: "host", name: at.host, below: false, ports: [at.port] });
    },
    new NetworkPolicy(grants?.allow ?? [], isOwnAddress),
  );
  const verdict = policy.decide(host, port);
  const path = formatEndpoint(host, port);
  if (verdict.kind === "deny")
    return { verdict: "deny", profile: profile.name, ...refusal("connect", path, verdict.rule) };
  const forbidden = startCedar(layers, asker)?.connect(plainHost(host), port) ?? null;
  if (forbidden !== null)
    return { verdict: "deny", profile: profile.name, ...refusal("connect", path, forbidden) };
  const answer = { path, op: "connect", profile: profile.name };
  return { ...answer, verdict: "allow", rule: verdict.rule, reason: "a grant names it" };
}
