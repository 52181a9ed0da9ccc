import { refusal } from "../broker/denial.ts";
import { networkGrants } from "../broker/network/grants.ts";
import { isOwnAddress } from "../broker/network/outside.ts";
import { loadProfile } from "../broker/profiles.ts";
import { formatEndpoint, NetworkPolicy } from "../policy/network.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { Answer } from "./why.ts";

/** What a run would be told that connects to HOST and PORT. No name is looked up: where it leads is decided when it is connected to. */
export function whyConnect(profileName: string, host: string | undefined, port: number | undefined): Answer {
  if (host === undefined || port === undefined)
    throw new SallyportError("INVALID", "Cannot explain --op connect: give --host and --port");
  const profile = loadProfile(profileName);
  const grants = networkGrants(profile);
  const verdict = new NetworkPolicy(grants?.allow ?? [], isOwnAddress).decide(host, port);
  const path = formatEndpoint(host, port);
  const answer = { path, op: "connect", profile: profile.name };
  if (verdict.kind === "allow")
    return { ...answer, verdict: "allow", rule: verdict.rule, reason: "a grant names it" };
  return { verdict: "deny", profile: profile.name, ...refusal("connect", path, verdict.rule) };
}
