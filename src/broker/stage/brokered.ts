import { existsSync } from "node:fs";
import { join } from "node:path";
import { appendHostLog } from "../../audit/hostlog.ts";
import { Journal, runLogDir } from "../../audit/journal.ts";
import { openLogKey } from "../../audit/key.ts";
import { lineParts } from "../../audit/lines.ts";
import { serializeRecord } from "../../audit/record.ts";
import type { Stage, StageFacts, StageProgress } from "../../files/stage_place.ts";
import { binding } from "../../platform/binding.ts";
import { capabilityNumber } from "../../platform/capabilities.ts";
import { linux } from "../../platform/linux.ts";
import { compilePolicy, policiesWithout } from "../../policy/decide.ts";
import { joinPath } from "../../policy/path.ts";
import { escapePattern } from "../../policy/pattern.ts";
import { ALL_RIGHTS, RIGHT } from "../../policy/rights.ts";
import type { Rule } from "../../policy/rule.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { Request } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { dispatch } from "../dispatch.ts";
import { FifoMeetings } from "../fifo_meetings.ts";
import { NO_GPG } from "../gpg_agent/grant.ts";
import { HooksPaths } from "../hooks_path.ts";
import { judge } from "../judge.ts";
import type { Judgement } from "../judgement.ts";
import { NO_LIMITS } from "../limits.ts";
import { NO_SOCKETS } from "../network/brokered_sockets.ts";
import type { Outcome } from "../outcome.ts";
import { OwnRepositories } from "../own_repositories.ts";
import { OwnSharedMemory } from "../own_shared_memory.ts";
import { OwnSockets } from "../own_sockets.ts";
import { OwnTerminals } from "../own_terminals.ts";
import { noPrograms } from "../programs/program_table.ts";
import { rulesOf } from "../rules.ts";
import { RunLog } from "../run_log.ts";
import type { Session } from "../session.ts";
import { SshGrant } from "../ssh_agent/grant.ts";
import { Tally } from "../tally.ts";
import { WrittenFiles } from "../tokens/written_files.ts";
import { Transactions } from "../transactions.ts";
import { startUndo } from "../undo/start.ts";
import { NO_UNDO, type Undo } from "../undo/undo.ts";
import { userByName, userByUid } from "../user.ts";

/**
 * The way in which a commit changes the host: every step is a request, judged by the profile of the run, recorded in a log of
 * its own, and performed with the authority that the run had. One at a time in a process.
 */
export type Brokered = Judging & {
  /** Name of the log. */
  readonly log: string;
  /** Decides, records, acts, records. */
  perform(request: Request): Promise<Outcome>;
  /** Does something with the person's own authority, as reading the stage or noting progress. */
  asPerson<T>(act: () => T): T;
  /** Gives how many of its changes `undo restore` can put back, under the name of the log. */
  close(outcome: string): Promise<number>;
};

/** What the rules of a run say of a change, and of the directories that it made itself. */
export type Judging = {
  judge(request: Request): Judgement;
  /** What is said of the run's own directories holds for this one. */
  ownDirectory(path: string): void;
};

/**
 * The directory in the workspace in which a commit prepares what it puts in place: on the file system of the targets, and where no
 * rule on the name of a target speaks of it. It is there during a commit only.
 */
export function stagingDirectory({ run, workspace }: StageFacts): string {
  return joinPath(workspace, `.sallyport-${run}`);
}

/** Opens the log and lowers the authority of this thread until `close`. */
export async function openBrokered(
  state: string,
  stage: Stage,
  progress: StageProgress,
  kind: "commit" | "discard",
): Promise<Brokered> {
  const { facts } = stage;
  const self = userByUid(process.geteuid!());
  const user = facts.user === null ? self : userByName(facts.user);
  if (user.uid !== self.uid && self.uid !== 0) {
    throw new SallyportError("SETUP", `Cannot ${kind} as "${user.name}": only root may change the user`, {
      errno: "EPERM",
    });
  }
  const key = openLogKey(state);
  const log = nextLog(state, facts.run, kind);
  let isLowered = false;
  const keep = facts.profile.linuxCapabilities.map(capabilityNumber);
  const lower = (): void => {
    binding.lowerAuthority(user.uid === self.uid ? null : user, keep);
    isLowered = true;
  };
  const asPerson = <T>(act: () => T): T => {
    if (!isLowered) return act();
    binding.raiseAuthority();
    isLowered = false;
    try {
      return act();
    } finally {
      lower();
    }
  };
  const journal = Journal.open({
    dir: runLogDir(state, log),
    run: log,
    key,
    mapShared: binding.mapShared,
    appendRecords: binding.appendRecords,
    asOwner: asPerson,
  });
  const { workspace, home } = facts;
  const places = { workspace, home, state, tmp: join(stage.directory, "tmp") };
  // A commit that is dropped has nothing to put back but its own leftovers.
  const undo =
    kind === "commit" ? startUndo({ profile: facts.profile }, { state, run: log, user, self, places }) : null;
  const note = (
    kindOfNote: "run.start" | "run.end" | "note",
    extra: Record<string, string | number>,
  ): void => {
    journal.append(
      serializeRecord({
        v: 1,
        kind: kindOfNote,
        seq: journal.size,
        time: Date.now(),
        run: log,
        user: user.uid,
        extra,
      }),
    );
  };
  note("run.start", { what: kind, of: facts.run, workspace: facts.workspace });
  await appendHostLog(state, key, { kind: "started", run: log, timeMs: Date.now() });

  const runLog = new RunLog(
    journal,
    lineParts(log, facts.profile.name, user.uid),
    new Tally(stage.directory),
  );
  const session = sessionOf(log, state, stage, progress, runLog, undo?.recorder(runLog) ?? NO_UNDO);
  binding.isolateUmask();
  lower();
  return {
    log,
    ...judging(session),
    perform: async (request) => dispatch(request, OURSELVES, session),
    asPerson,
    async close(outcome) {
      const kept = undo?.seal(new WrittenFiles());
      if (isLowered) binding.raiseAuthority();
      isLowered = false;
      undo?.close();
      for (const content of kept?.contents ?? []) note("note", { what: "content", ...content });
      const undoable = kept?.undoable ?? 0;
      note("run.end", { outcome, undoable });
      const head = await journal.close();
      await appendHostLog(state, key, { kind: "ended", run: log, timeMs: Date.now(), checkpoint: head });
      return undoable;
    },
  };
}

/** The same rules without a log: nothing can be done with them. */
export function openJudging(state: string, stage: Stage, progress: StageProgress): Judging {
  const unused = (): never => {
    throw new Error("a judgement is not recorded");
  };
  const parts = lineParts(stage.facts.run, stage.facts.profile.name, 0);
  const log = new RunLog({ size: 0, append: unused }, parts, new Tally(stage.directory));
  return judging(sessionOf(stage.facts.run, state, stage, progress, log, NO_UNDO));
}

function judging(session: Session): Judging {
  return {
    judge: (request) => judge(request, OURSELVES, session),
    ownDirectory: (path) => session.ownRepositories.made(path),
  };
}

function sessionOf(
  run: string,
  state: string,
  stage: Stage,
  progress: StageProgress,
  log: RunLog,
  undo: Undo,
): Session {
  const { facts } = stage;
  const ownRepositories = new OwnRepositories();
  for (const path of progress.made) ownRepositories.made(joinPath(facts.workspace, path));
  return {
    run,
    containment: null,
    storms: null,
    profile: facts.profile.name,
    policy: compilePolicy(facts.profile.name, [...runRules(state, stage), ...stagingRules(facts)]),
    agents: null,
    written: new WrittenFiles(),
    policyWithout: policiesWithout(),
    programs: noPrograms(),
    ownRepositories,
    ownSharedMemory: new OwnSharedMemory(),
    ownTerminals: new OwnTerminals(),
    ownSockets: new OwnSockets(linux),
    ssh: new SshGrant(new Map(), ""),
    gpg: NO_GPG,
    undo,
    acls: "carried",
    transactions: new Transactions(),
    network: null,
    sockets: NO_SOCKETS,
    signal: () => -EPERM,
    hooksPaths: new HooksPaths(facts.workspace, facts.home),
    observer: null,
    pending: new Set(),
    fifos: new FifoMeetings(),
    // A person waits for it, and it ends with what was staged.
    limits: NO_LIMITS,
    quotas: null,
    cedar: null,
    log,
    platform: linux,
    rootPid: process.pid,
    launch: () => Promise.reject(new SallyportError("UNSUPPORTED", "Cannot start a program in a commit")),
  };
}

const EPERM = 1;

const OURSELVES: Caller = {
  pid: process.pid,
  tid: process.pid,
  heldFd: -1,
  descriptors: [],
  waits: () => true,
};

/** The rules that the run had. Its private directory is gone. */
export function runRules(state: string, { facts, directory }: Stage): Rule[] {
  const { profile, reads, writes, workspace, home } = facts;
  return rulesOf({ profile, reads, writes }, { workspace, home, state, tmp: join(directory, "tmp") });
}

/** What the log of a commit names for the names in its own directory. */
const STAGING_RULE = "commit.staging";

function stagingRules(facts: StageFacts): Rule[] {
  const directory = escapePattern(stagingDirectory(facts));
  return [directory, `${directory}/**`].map((pattern) => ({
    id: STAGING_RULE,
    effect: "allow",
    rights: ALL_RIGHTS & ~RIGHT.execute,
    pattern,
    except: [],
    reason: "Where a commit prepares what it puts in place",
    remedy: "",
  }));
}

function nextLog(state: string, run: string, kind: string): string {
  for (let number = 1; ; number++) {
    const log = `${run}.${kind}-${number}`;
    if (!existsSync(join(state, "runs", log))) return log;
  }
}
