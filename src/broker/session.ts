import type { Platform } from "../platform/platform.ts";
import type { Policy } from "../policy/decide.ts";
import type { ExecRequest, Request } from "../protocol/message.ts";
import type { FifoMeetings } from "./fifo_meetings.ts";
import type { HooksPaths } from "./hooks_path.ts";
import type { BrokeredSockets } from "./network/brokered_sockets.ts";
import type { Observer } from "./observer.ts";
import type { Outcome } from "./outcome.ts";
import type { OwnRepositories } from "./own_repositories.ts";
import type { OwnSharedMemory } from "./own_shared_memory.ts";
import type { OwnSockets } from "./own_sockets.ts";
import type { OwnTerminals } from "./own_terminals.ts";
import type { ProgramTable } from "./programs/program_table.ts";
import type { RunLog } from "./run_log.ts";
import type { SshGrant } from "./ssh_agent/grant.ts";
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
  readonly programs: ProgramTable;
  readonly ownRepositories: OwnRepositories;
  readonly ownSharedMemory: OwnSharedMemory;
  readonly ownTerminals: OwnTerminals;
  readonly ownSockets: OwnSockets;
  readonly ssh: SshGrant;
  readonly hooksPaths: HooksPaths;
  readonly fifos: FifoMeetings;
  /** Set in a run that is learned from. */
  readonly observer: Observer | null;
  readonly limits: { take(request: Request): number };
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
  /** What the run may do with the network by asking. */
  readonly sockets: Pick<BrokeredSockets, "judge" | "connect" | "bind" | "resolve">;
  /** Signals a process that descends from `rootPid`. 0 or -errno: -EPERM for any other. */
  signal(pid: number, signal: number): number;
  /** The launcher's pid: every process of the run descends from it. */
  readonly rootPid: number;
  /** Starts a further program in the run and gives its pid. The descriptors stay open until it settles. Rejects with a SallyportError. */
  launch(request: ExecRequest, descriptors: readonly number[]): Promise<number>;
};
