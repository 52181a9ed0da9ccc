import { describeCredential } from "../../policy/credential.ts";
import {
  formatEndpoint,
  formatNetworkGrant,
  type NetworkGrant,
  parseNetworkGrant,
} from "../../policy/network.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { Credential } from "./credentials.ts";

/** Ports of the name server: a grant or a program can not have them. */
const RESERVED_PORT = 53;
const MAX_PORTS = 64;

/** What a run may do with the network; null: nothing, and it gets no namespace either. */
export type NetworkGrants = {
  readonly allow: readonly NetworkGrant[];
  /** Ports of the run that are open on 127.0.0.1 of the host. */
  readonly listen: readonly number[];
  readonly credentials: readonly Credential[];
};

/** What a profile and the command line grant together. Throws INVALID. */
export function networkGrants(
  profile: ResolvedProfile,
  allowed: readonly string[] = [],
  listened: readonly number[] = [],
  credentials: readonly Credential[] = [],
): NetworkGrants | null {
  // A host whose TLS ends here is reached by its own name, and nobody has to say so twice.
  const terminated = credentials.flatMap(({ grant: { host, port, way } }): NetworkGrant[] =>
    way.kind === "terminated" ? [{ kind: "host", name: host, below: false, ports: [port] }] : [],
  );
  const allow = [...[...profile.network.allow, ...allowed].map(grantOf), ...terminated];
  const listen = [...new Set([...profile.network.listen, ...listened])];
  const ports = allow.flatMap((grant) => (grant.ports === "any" ? [] : grant.ports));
  const both = listen.find((port) => ports.includes(port));
  if (both !== undefined)
    throw invalid(`port ${both} is in --listen and in --net-allow: inside, one of the two would have it`);
  if (ports.includes(RESERVED_PORT) || listen.includes(RESERVED_PORT))
    throw invalid("port 53 belongs to the name server of the run");
  if (new Set(ports).size > MAX_PORTS) throw invalid(`the grants name more than ${MAX_PORTS} ports`);
  return allow.length + listen.length + credentials.length === 0 ? null : { allow, listen, credentials };
}

/** For the start line and the records. */
export function describeGrants(grants: NetworkGrants | null): string {
  if (grants === null) return "off";
  const terminated = grants.credentials.flatMap(({ grant: { host, port, way } }) =>
    way.kind === "terminated" ? formatEndpoint(host, port) : [],
  );
  const allowed = grants.allow.map(formatNetworkGrant).filter((text) => !terminated.includes(text));
  const published = grants.listen.map((port) => `listens on ${port}`);
  const added = grants.credentials.map(({ grant }) => describeCredential(grant));
  return [...allowed, ...published, ...added].join(", ");
}

function grantOf(text: string): NetworkGrant {
  const grant = parseNetworkGrant(text);
  if (grant !== null) return grant;
  throw invalid(
    `--net-allow "${text}" is no host: write HOST, HOST:PORT, *.DOMAIN:PORT, ADDRESS or CIDR, IPv6 with a port as [ADDRESS]:PORT, and * for any port`,
  );
}

function invalid(problem: string): SallyportError {
  return new SallyportError("INVALID", `Cannot grant the network: ${problem}`);
}
