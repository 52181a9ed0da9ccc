import { refusal } from "../broker/denial.ts";
import { networkGrants } from "../broker/network/grants.ts";
import { isOwnAddress } from "../broker/network/outside.ts";
import { loadProfile } from "../broker/profiles.ts";
import { parseCredentialHost } from "../policy/credential.ts";
import { formatEndpoint, NetworkPolicy } from "../policy/network.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { Answer } from "./why.ts";

/** What a run would be told that connects to HOST and PORT. No name is looked up: where it leads is decided when it is connected to. */
export function whyConnect(profileName: string, host: string | undefined, port: number | undefined): Answer {
  if (host === undefined || port === undefined)
    throw new SallyportError("INVALID", "Cannot explain --op connect: give --host and --port");
  const profile = loadProfile(profileName);
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
  const answer = { path, op: "connect", profile: profile.name };
  if (verdict.kind === "allow")
    return { ...answer, verdict: "allow", rule: verdict.rule, reason: "a grant names it" };
  return { verdict: "deny", profile: profile.name, ...refusal("connect", path, verdict.rule) };
}
