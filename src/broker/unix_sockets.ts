import { realpathSync } from "node:fs";
import type { Mediation, UnixPolicy } from "../platform/seccomp/spec.ts";
import { decidePath, type Policy } from "../policy/decide.ts";
import { RIGHT } from "../policy/rights.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { GpgGrant } from "./gpg_agent/grant.ts";
import type { RunOptions } from "./run_options.ts";
import type { SshGrant } from "./ssh_agent/grant.ts";

/** Whether the filter lets the program make Unix sockets. Throws SETUP for a grant that can not be kept. */
export function unixSockets(
  { profile, sockets = [], sshSign = [], sshLogin = [], gpgSign = [] }: RunOptions,
  policy: Policy,
  mediation: Mediation,
): UnixPolicy {
  const hasKeys =
    [
      ...profile.sshKeys.sign,
      ...profile.sshKeys.login,
      ...sshSign,
      ...sshLogin,
      ...profile.gpgKeys.sign,
      ...gpgSign,
    ].length > 0;
  const granted =
    hasKeys ||
    policy.rules.some(({ effect, rights }) => effect === "allow" && (rights & RIGHT.connect) !== 0);
  if (!granted && profile.unixSockets === "refused") return "refused";
  if (mediation === "kernel") {
    const asked = sockets.length > 0 ? `--socket ${sockets[0]}` : "Unix sockets";
    throw new SallyportError(
      "SETUP",
      `Cannot grant ${asked}: profile "${profile.name}" has mediation "kernel", where nobody asks the broker; use mediation "writes"`,
    );
  }
  for (const path of sockets) {
    const verdict = decidePath(policy, path, RIGHT.connect);
    if (verdict.kind !== "deny") continue;
    const { id = "default-deny", reason = "the name is not canonical", remedy } = verdict.rule ?? {};
    throw new SallyportError(
      "SETUP",
      `Cannot grant --socket ${path}: ${reason} (rule ${id})${remedy ? `; ${remedy}` : ""}`,
    );
  }
  return "brokered";
}

/** For the first record: the sockets that rules let the run connect to, and the keys that it may sign with. */
export function describeSockets(
  policy: Policy,
  keys: SshGrant["keys"],
  gpg: GpgGrant["keys"],
): { readonly sockets: string; readonly sshKeys: string; readonly gpgKeys: string } {
  const granted = policy.rules.filter(
    ({ effect, rights }) => effect === "allow" && (rights & RIGHT.connect) !== 0,
  );
  return {
    sockets: granted.map(({ pattern }) => pattern).join(", "),
    gpgKeys: [...gpg.values()].map(({ fingerprint }) => fingerprint).join(", "),
    sshKeys: [...keys].map(([key, use]) => `${key} for ${use}`).join(", "),
  };
}

/** The name that decisions are made on: without links, as far as it exists. */
export function socketName(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Nobody listens there yet: the name itself is granted.
    return path;
  }
}
