import { SallyportError } from "../../protocol/errors.ts";
import { AgentCallers } from "../agent_callers.ts";
import type { RunOptions } from "../run_options.ts";

/** What a run may have signed with a key: files and commits, or logins as well. */
export type KeyUse = "signatures" | "logins";

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** What one run may do with the person's ssh-agent, and who of it has connected. */
export class SshGrant extends AgentCallers {
  /** By fingerprint. */
  readonly keys: ReadonlyMap<string, KeyUse>;
  /** Where the person's agent listens; "" where no key is granted. */
  readonly upstream: string;

  constructor(keys: ReadonlyMap<string, KeyUse>, upstream: string) {
    super();
    this.keys = keys;
    this.upstream = upstream;
  }
}

/** Throws INVALID for what is no fingerprint, and SETUP where there is no agent to sign. */
export function sshGrantOf(
  options: Pick<RunOptions, "profile" | "sshSign" | "sshLogin">,
  upstream: string | undefined,
  runsAs: "self" | "another user",
): SshGrant {
  const signatures = [...options.profile.sshKeys.sign, ...(options.sshSign ?? [])];
  const logins = [...options.profile.sshKeys.login, ...(options.sshLogin ?? [])];
  for (const key of [...signatures, ...logins]) {
    if (FINGERPRINT.test(key)) continue;
    throw new SallyportError(
      "INVALID",
      `Cannot grant the ssh key "${key}": write its fingerprint as ssh-add -l shows it ("SHA256:…")`,
      { field: "sshKeys", expected: "SHA256:…" },
    );
  }
  const keys = new Map<string, KeyUse>([
    ...signatures.map((key) => [key, "signatures"] as const),
    ...logins.map((key) => [key, "logins"] as const),
  ]);
  if (keys.size === 0) return new SshGrant(keys, "");
  if (runsAs === "another user")
    throw new SallyportError(
      "SETUP",
      "Cannot grant ssh keys to a run of another user: the agent is yours; leave out --user, or start the run as that user",
    );
  if (upstream === undefined || upstream === "")
    throw new SallyportError(
      "SETUP",
      "Cannot grant ssh keys: SSH_AUTH_SOCK names no agent; start ssh-agent and ssh-add the key first",
    );
  return new SshGrant(keys, upstream);
}
