import type { NativeLauncher, NativeLaunchFailure } from "../../platform/binding.ts";
import { errnoName } from "../../platform/errno.ts";
import type { IpAddress } from "../../policy/ip_address.ts";
import { SallyportError } from "../../protocol/errors.ts";

/** The network namespace of a run, as its launcher serves it. */
export type Namespace = {
  /** "user": within an user namespace of its own, where the ids of others show as nobody's. */
  readonly kind: "network" | "user";
  readonly hasIpv6: boolean;
  /** A socket inside it; the caller owns the descriptor. Rejects with a Node-like error. */
  open(use: "listen" | "datagram" | "connect", address: IpAddress, port: number): Promise<number>;
};

/**
 * Moves the launcher, before its first launch, into a network namespace of the run's own. `mayUseUser` says whether an user
 * namespace would do as well. Rejects with SETUP where the machine gives neither: a grant without one would be no boundary.
 */
export async function enterNamespace(launcher: NativeLauncher, mayUseUser: boolean): Promise<Namespace> {
  const tries = process.geteuid!() === 0 ? [false, true] : [true];
  let failure: NativeLaunchFailure | null = null;
  for (const withUser of tries) {
    if (withUser && !mayUseUser) break;
    const entered = await new Promise<boolean | NativeLaunchFailure>((resolve) =>
      launcher.enterNetwork(withUser, (failed, hasIpv6) => resolve(failed ?? hasIpv6 === true)),
    );
    if (typeof entered === "boolean")
      return { kind: withUser ? "user" : "network", hasIpv6: entered, open: opener(launcher) };
    failure = entered;
    if (entered.errno !== EPERM) break;
  }
  const what =
    failure === null
      ? "an user namespace can not hold this run"
      : `${failure.syscall}: ${errnoName(failure.errno)}`;
  throw new SallyportError(
    "SETUP",
    `Cannot give the run a network: ${what}. Grants of hosts need a network namespace of the run's own: run as root, or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; without --user and linuxCapabilities), or take --net-allow and --listen out`,
    { errno: failure === null ? "EPERM" : errnoName(failure.errno), stage: "network" },
  );
}

const EPERM = 1;

function opener(launcher: NativeLauncher): Namespace["open"] {
  return (use, address, port) =>
    new Promise((resolve, reject) => {
      launcher.openEndpoint(use, address, port, (failure, fd) => {
        if (failure === null && fd !== null) return resolve(fd);
        const code = errnoName(failure?.errno ?? 5);
        reject(Object.assign(new Error(`${failure?.syscall}: ${code}`), { code, errno: failure?.errno }));
      });
    });
}
