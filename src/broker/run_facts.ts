import type { Policy } from "../policy/decide.ts";
import type { Containment } from "./containment.ts";
import type { Observed } from "./observer.ts";
import type { StageKind } from "./stage/enter.ts";
import type { CountedDenial } from "./tally.ts";
import type { UndoFacts } from "./undo/start.ts";
import type { Places } from "./workspace.ts";

/** What holds for this run, as the start line and the first record say it. */
export type RunFacts = {
  readonly run: string;
  readonly profile: string;
  readonly workspace: string;
  readonly access: "workspace rw" | "workspace ro" | "no workspace" | "workspace by token";
  readonly mediation: "kernel" | "writes" | "strict";
  readonly reads: "native" | "brokered";
  readonly readsBecause: string;
  /** What may be executed: "by place", or what is told apart; and whether executions are seen. */
  readonly execution: string;
  readonly landlockAbi: number;
  /** "off", or what is granted. */
  readonly net: string;
  /** The capabilities that the run was started with, and when they end; "": it has what the profile grants. */
  readonly tokens: string;
  /** Protections that were asked for and that this kernel does not have; empty unless best-effort. */
  readonly missing: readonly string[];
  /** Deny rules of the built-in packs that the profile takes out. */
  readonly withoutDenials: readonly string[];
  /** How what the run changes is kept; "off": not at all. */
  readonly undo: UndoFacts;
  /** What holds the run's writes back until somebody commits them. */
  readonly stage: "none" | StageKind;
  /** The policy layers that the profile is under, "" for none. */
  readonly layers: string;
  /** What to do about the program's own sandbox, in words; "" when it is not known to bring one. */
  readonly ownSandbox: string;
};

export type RunEnd = RunFacts & {
  readonly exitCode: number;
  readonly outcome: string;
  readonly operations: number;
  readonly denials: number;
  readonly denied: readonly CountedDenial[];
  readonly changedFiles: readonly string[];
  /** Names and objects that `sallyport undo restore` can put back. */
  readonly undoable: number;
  /** Of a run that was learned from. */
  readonly learning?: Observed & { readonly policy: Policy; readonly places: Places };
  readonly auditHead: { readonly origin: string; readonly size: number; readonly root: string };
};

export type Run = {
  readonly id: string;
  readonly pid: number;
  readonly ended: Promise<RunEnd>;
  /** Freezes it, lets it go on, or ends it. */
  readonly containment: Containment;
  /** Passes a signal on to the target and its process group. */
  signal(name: NodeJS.Signals): void;
};
