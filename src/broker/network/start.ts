import { DEFAULT_RATES, makeBuckets } from "../../limits/buckets.ts";
import { binding, type NativeLauncher } from "../../platform/binding.ts";
import { sockets } from "../../platform/sockets.ts";
import { parseIp } from "../../policy/ip_address.ts";
import { NetworkPolicy } from "../../policy/network.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { Confinement } from "../confinement.ts";
import { BrokeredSockets } from "./brokered_sockets.ts";
import type { FlowLog } from "./flow_log.ts";
import type { NetworkGrants } from "./grants.ts";
import { enterNamespace, type Namespace } from "./namespace.ts";
import { isOwnAddress, type Outside, systemOutside } from "./outside.ts";
import { type ServedNetwork, serveNetwork } from "./serve.ts";

const LOOPBACK = parseIp("127.0.0.1")!;

/** The namespace of a run that has grants; null for one that has none. Rejects with SETUP. */
export async function namespaceOf(
  launcher: NativeLauncher,
  { network, keepCapabilities, close }: Confinement,
  keepsUser: boolean,
): Promise<Namespace | null> {
  if (network === null) return null;
  try {
    // In an user namespace no other uid could be taken on, and a capability that is kept would be one over the namespace.
    return await enterNamespace(launcher, keepsUser && keepCapabilities.length === 0);
  } catch (error) {
    close();
    throw error;
  }
}

/** What tells the namespace from others (SO_NETNS_COOKIE); null without one. */
export async function cookieOf(namespace: Namespace | null): Promise<number | null> {
  if (namespace === null) return null;
  const fd = await namespace.open("datagram", LOOPBACK, 0);
  const facts = sockets.facts(fd);
  binding.closeFd(fd);
  return typeof facts === "number" ? null : facts.network;
}

/** What the run may ask for; it reaches nothing before the network is served. */
export function brokeredSockets(grants: NetworkGrants | null, log: FlowLog): BrokeredSockets {
  return new BrokeredSockets(new NetworkPolicy(grants?.allow ?? [], isOwnAddress), grants?.listen ?? [], log);
}

/** Serves the namespace by what is granted. Rejects with SETUP. */
export async function startNetwork(of: {
  readonly namespace: Namespace;
  readonly grants: NetworkGrants;
  readonly profile: ResolvedProfile;
  readonly log: FlowLog;
  readonly outside?: Outside | undefined;
}): Promise<ServedNetwork> {
  const { connect, transfer } = makeBuckets("run", { ...DEFAULT_RATES, ...of.profile.limits });
  try {
    return await serveNetwork({
      namespace: of.namespace,
      policy: new NetworkPolicy(of.grants.allow, isOwnAddress),
      listen: of.grants.listen,
      credentials: of.grants.credentials,
      log: of.log,
      limits: { connect, transfer },
      outside: of.outside ?? systemOutside,
    });
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    const { code = "EIO", message } = error as NodeJS.ErrnoException;
    throw new SallyportError("SETUP", `Cannot serve the network of the run: ${message}`, {
      errno: code,
      stage: "network",
      cause: error,
    });
  }
}
