import type { ResolvedProfile } from "../policy/profile.ts";
import type { CredentialSource } from "./network/credentials.ts";
import type { Outside } from "./network/outside.ts";
import type { RunFacts } from "./run_facts.ts";

/** What a run is started with. */
export type RunOptions = CredentialSource & {
  readonly profile: ResolvedProfile;
  /** Where it was read from, if not from our own: the run may not change it. */
  readonly profileFile?: string | undefined;
  readonly workspace: string;
  readonly argv: readonly string[];
  /** The environment outside, of which the profile lets some through. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Further trees to grant, absolute. */
  readonly reads?: readonly string[] | undefined;
  readonly writes?: readonly string[] | undefined;
  /** Unix sockets to let it connect to, absolute. */
  readonly sockets?: readonly string[] | undefined;
  /** Fingerprints of keys of the ssh-agent at SSH_AUTH_SOCK to sign files with, or logins as well. */
  readonly sshSign?: readonly string[] | undefined;
  readonly sshLogin?: readonly string[] | undefined;
  /** Hosts to grant, as `--net-allow` takes them. */
  readonly netAllow?: readonly string[] | undefined;
  /** Ports of the run to open on 127.0.0.1 of the host. */
  readonly listen?: readonly number[] | undefined;
  /** Where names and connections lead; default: the network of the host. For tests. */
  readonly outside?: Outside | undefined;
  readonly readsHow?: "auto" | "native" | "brokered" | undefined;
  readonly enforcement?: "hard" | "best-effort" | undefined;
  readonly user?: string | undefined;
  /** State directory; default: the user's. */
  readonly state?: string | undefined;
  /** The home that secrets and tool configuration are looked for in; default: what the user database says. */
  readonly home?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** "off": what the run changes can not be put back. Default: what the profile says. */
  readonly undo?: "journaled" | "off" | undefined;
  /** This process was started again by enterStage for the run of this id, with this outcome. */
  readonly staged?: { readonly run: string; readonly outcome: string } | undefined;
  /** Learn from this run: what no rule speaks of is granted and kept. A weakening; only `sallyport learn` asks for it. */
  readonly observe?: "what no rule denies is granted" | undefined;
  /** A library to load into every program (LD_PRELOAD), absolute. A convenience: a program can do without it. */
  readonly preload?: string | undefined;
  /** Become 0, 1 and 2 of the target. */
  readonly stdio: readonly [number, number, number];
  /** Which of them is to be its controlling terminal, or -1. */
  readonly terminalIndex: number;
  /** Called before the target starts. */
  readonly onReady?: ((facts: RunFacts) => void) | undefined;
};
