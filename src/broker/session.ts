import type { Platform } from "../platform/platform.ts";
import type { Policy } from "../policy/decide.ts";
import type { ExecRequest } from "../protocol/message.ts";
import type { SlowPath } from "./cedar/slow_path.ts";
import type { Containment } from "./containment.ts";
import type { FifoMeetings } from "./fifo_meetings.ts";
import type { GpgGrant } from "./gpg_agent/grant.ts";
import type { HooksPaths } from "./hooks_path.ts";
import type { RunLimits } from "./limits.ts";
import type { BrokeredSockets } from "./network/brokered_sockets.ts";
import type { Observer } from "./observer.ts";
import type { Outcome } from "./outcome.ts";
import type { OwnRepositories } from "./own_repositories.ts";
import type { OwnSharedMemory } from "./own_shared_memory.ts";
import type { OwnSockets } from "./own_sockets.ts";
import type { OwnTerminals } from "./own_terminals.ts";
import type { ProgramTable } from "./programs/program_table.ts";
import type { RunQuotas } from "./quotas.ts";
import type { RunLog } from "./run_log.ts";
import type { SshGrant } from "./ssh_agent/grant.ts";
import type { Storms } from "./storms/storms.ts";
import type { Agents } from "./tokens/agents.ts";
import type { Authority } from "./tokens/authority.ts";
import type { WrittenFiles } from "./tokens/written_files.ts";
import type { Transactions } from "./transactions.ts";
import type { Undo } from "./undo/undo.ts";

/** Everything that one run's requests are judged and done with. The policy is frozen for the life of the run. */
export type Session = {
  readonly run: string;
  /** Name of the profile, for messages. */
  readonly profile: string;
  readonly policy: Policy;
  /** `policy` (or what this gave before) without one rule, for what the run itself has made. */
  policyWithout(policy: Policy, rule: string): Policy;
  /** What its tokens leave of that; absent where it has none. */
  readonly authority?: Authority | undefined;
  /** What files must be that are written under tokens; one for all sessions of the run. */
  readonly written: WrittenFiles;
  readonly programs: ProgramTable;
  /** What Cedar decides while the run goes on; null: there is nothing to ask. */
  readonly cedar: SlowPath | null;
  readonly ownRepositories: OwnRepositories;
  readonly ownSharedMemory: OwnSharedMemory;
  readonly ownTerminals: OwnTerminals;
  readonly ownSockets: OwnSockets;
  readonly ssh: SshGrant;
  readonly gpg: GpgGrant;
  readonly hooksPaths: HooksPaths;
  readonly fifos: FifoMeetings;
  /** Set in a run that is learned from. */
  readonly observer: Observer | null;
  /** null for a commit, which has no processes. */
  readonly containment: Pick<Containment, "held"> | null;
  readonly storms: Storms | null;
  readonly limits: RunLimits;
  /** null: the profile has none. */
  readonly quotas: RunQuotas | null;
  readonly log: RunLog;
  readonly undo: Undo;
  readonly transactions: Transactions;
  /** Set for a commit alone: the ACLs of a stage are the host's own. */
  readonly acls?: "carried";
  /** Operations that answer late. */
  readonly pending: Set<Promise<Outcome>>;
  readonly platform: Platform;
  /** The network namespace that is the run's own (SO_NETNS_COOKIE); null where it has none. */
  readonly network: number | null;
  /** The sub-agents of the run; null for what is no run. Set once, before the first program. */
  agents: Agents | null;
  /** What the run may do with the network by asking. */
  readonly sockets: Pick<BrokeredSockets, "judge" | "connect" | "bind" | "resolve">;
  /** Signals a process that descends from `rootPid`. 0 or -errno: -EPERM for any other. */
  signal(pid: number, signal: number): number;
  /** The launcher's pid: every process of the run descends from it. */
  readonly rootPid: number;
  /** Starts a further program in the run and gives its pid. The descriptors stay open until it settles. Rejects with a SallyportError. */
  launch(request: ExecRequest, descriptors: readonly number[]): Promise<number>;
};
