import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import type { Checkpoint } from "../audit/checkpoint.ts";
import { AuditError } from "../audit/errors.ts";
import { appendHostLog } from "../audit/hostlog.ts";
import { Journal, runLogDir } from "../audit/journal.ts";
import { openLogKey } from "../audit/key.ts";
import { lineParts } from "../audit/lines.ts";
import { serializeRecord } from "../audit/record.ts";
import { binding } from "../platform/binding.ts";
import { linux } from "../platform/linux.ts";
import { policiesWithout } from "../policy/decide.ts";
import { SallyportError } from "../protocol/errors.ts";
import { startCedar } from "./cedar/slow_path.ts";
import { confine } from "./confinement.ts";
import { type Cause, Containment } from "./containment.ts";
import { serveControl } from "./control/front.ts";
import { containmentVerbs } from "./control/verbs.ts";
import { scrub } from "./environment.ts";
import { exitCodeOf, outcomeText, SIGNALS } from "./exit.ts";
import { FifoMeetings } from "./fifo_meetings.ts";
import { findProgram } from "./find_program.ts";
import { serveGpgAgent } from "./gpg_agent/agent.ts";
import { gpgGrantOf } from "./gpg_agent/grant.ts";
import { HooksPaths } from "./hooks_path.ts";
import { refuseOpenInspector, watchInspector } from "./inspector.ts";
import { launcherPath } from "./launcher_path.ts";
import { bindToLayers, layersInWords } from "./layers/bind.ts";
import { runLimits } from "./limits.ts";
import { FlowGate } from "./network/flow_gate.ts";
import { FlowLog } from "./network/flow_log.ts";
import type { ServedNetwork } from "./network/serve.ts";
import { brokeredSockets, cookieOf, namespaceOf, startNetwork } from "./network/start.ts";
import { Observer } from "./observer.ts";
import { OwnRepositories } from "./own_repositories.ts";
import { ownSandboxAdvice } from "./own_sandboxes.ts";
import { OwnSharedMemory } from "./own_shared_memory.ts";
import { OwnSockets } from "./own_sockets.ts";
import { OwnTerminals } from "./own_terminals.ts";
import { privateDirectory, removeQuietly } from "./private_directory.ts";
import { enterWatch, leaveWatch, startWatch } from "./programs/watch.ts";
import { quotasOf } from "./quotas.ts";
import type { Run, RunEnd, RunFacts } from "./run_facts.ts";
import { RunLog } from "./run_log.ts";
import type { RunOptions } from "./run_options.ts";
import type { Session } from "./session.ts";
import { serveSshAgent } from "./ssh_agent/agent.ts";
import { sshGrantOf } from "./ssh_agent/grant.ts";
import { leaveStage, stageEntered } from "./stage/enter.ts";
import { openState, stateDirectory } from "./state.ts";
import { endAfterMs, stormsOf } from "./storms/start.ts";
import { Tally } from "./tally.ts";
import type { Authority } from "./tokens/authority.ts";
import { followRevocations } from "./tokens/follow_revocations.ts";
import { describeTokens, tokensOf } from "./tokens/run_tokens.ts";
import { SubLaunches } from "./tokens/sub_launch.ts";
import { wholeRun } from "./tokens/whole_run.ts";
import { WrittenFiles } from "./tokens/written_files.ts";
import { Tree } from "./tree.ts";
import { startUndo, writesOf } from "./undo/start.ts";
import { describeSockets } from "./unix_sockets.ts";
import { allHomes, type User, userByName, userByUid } from "./user.ts";
import { checkWorkspace, type Places, realName } from "./workspace.ts";

const GRACE_MS = 2000;
/** What the target ended by when nobody was left to report it. */
const SIGKILL = 9;
const EXIT_TIMEOUT = 124;

/** Confines and starts a program, and brokers for it until its run has ended. Rejects with SETUP when it did not start. */
export async function startRun(asked: RunOptions): Promise<Run> {
  refuseOpenInspector();
  const self = userByUid(process.geteuid!());
  const user = asked.user === undefined ? self : userToBecome(asked.user, self);
  const state = openState(stateDirectory(asked.state, self.home));
  const home = asked.home ?? user.home;
  const workspace = checkWorkspace(asked.workspace, [...allHomes(), home], state);
  const { staged } = asked;
  const named = { ...asked, reads: asked.reads?.map(realName), writes: asked.writes?.map(realName) };
  const layersHome = realName(asked.home ?? self.home);
  const options = await bindToLayers(named, { workspace, home: layersHome, uid: self.uid, state });
  const id = staged?.run ?? randomBytes(6).toString("hex");
  const stage = staged === undefined ? "none" : stageEntered(id, staged.outcome, state, workspace);
  const watch = enterWatch(options.profile.execution.watch);
  const tmp = privateDirectory(user, self);
  const places: Places = { workspace, home: realName(home), tmp, state };

  const ends = deferred<RunEnd>();
  // Kept until somebody asks: a program may be gone before its launch has been reported.
  const exits = new Map<number, number>();
  let onExit = (_pid: number): void => {};
  let onGone = (): void => {};
  const launcher = binding.startLauncher(
    launcherPath(),
    (pid, status) => {
      exits.set(pid, status);
      onExit(pid);
    },
    () => onGone(),
  );
  try {
    return await begin();
  } catch (error) {
    launcher.close();
    removeQuietly(tmp);
    leaveWatch(watch);
    if (!(error instanceof AuditError)) throw error;
    throw new SallyportError("SETUP", `${error.message}; without its log nothing runs`, { cause: error });
  }

  async function begin(): Promise<Run> {
    const tokens = tokensOf(id, options, places);
    const confinement = confine(options, places, tokens.root);
    const namespace = await namespaceOf(launcher, confinement, user === self);
    const cedar = startCedar(options.layers, { run: id, agent: self.name, uid: self.uid });
    const found = findProgram(options.argv[0]!, options.environment["PATH"], workspace);
    const program = confinement.programs.admit(found, cedar);
    const runsAs = user === self ? "self" : "another user";
    const ssh = sshGrantOf(options, options.environment["SSH_AUTH_SOCK"], runsAs);
    const gpg = gpgGrantOf(options, confinement.policy, runsAs, home);
    const key = openLogKey(state);
    let authority: "full" | "lowered" = "full";
    const asOwner = <T>(act: () => T): T => {
      const before = authority;
      if (before === "lowered") raise();
      try {
        return act();
      } finally {
        if (before === "lowered") lower();
      }
    };
    const dir = runLogDir(state, id);
    const journal = Journal.open({
      dir,
      run: id,
      key,
      mapShared: binding.mapShared,
      appendRecords: binding.appendRecords,
      asOwner,
    });
    tokens.needsUndo(staged === undefined ? (options.undo ?? options.profile.undo) : "off");
    // What is staged has changed nothing yet: it is discarded, not put back.
    const undo = startUndo(staged === undefined ? options : { ...options, undo: "off" }, {
      state,
      run: id,
      user,
      self,
      places,
    });
    const tally = new Tally(tmp);
    const log = new RunLog(journal, lineParts(id, options.profile.name, user.uid), tally);
    const watched = startWatch(watch, options.profile.execution.watch, confinement.programs, log, cedar);
    const facts: RunFacts = {
      run: id,
      undo: undo?.placement ?? "off",
      profile: options.profile.name,
      withoutDenials: options.profile.withoutDenials,
      ownSandbox: ownSandboxAdvice(program, options.argv),
      workspace,
      stage,
      layers: layersInWords(options.layers, "short"),
      ...confinement.facts,
      tokens: describeTokens(tokens.root),
      execution: [confinement.programs.words, watched.facts].filter((words) => words !== "").join(", "),
    };
    const note = (
      kind: "run.start" | "run.end" | "note",
      extra: Record<string, string | number | boolean>,
    ): void => {
      journal.append(
        serializeRecord({ v: 1, kind, seq: journal.size, time: Date.now(), run: id, user: user.uid, extra }),
      );
    };
    note("run.start", {
      argv: JSON.stringify(options.argv),
      workspace,
      mediation: facts.mediation,
      reads: facts.readsBecause === "" ? facts.reads : `${facts.reads}: ${facts.readsBecause}`,
      landlockAbi: facts.landlockAbi,
      net: facts.net,
      ...describeSockets(confinement.policy, ssh.keys, gpg.keys),
      execution: facts.execution,
      missing: facts.missing.join(", "),
      without: facts.withoutDenials.join(", "),
      undo: facts.undo,
      ...(tokens.root === null ? {} : { capability: facts.tokens }),
      ...(options.layers.length === 0 ? {} : { layers: layersInWords(options.layers, "whole") }),
      ...(staged === undefined ? {} : { stage }),
      ...(options.observe === undefined ? {} : { observe: options.observe }),
    });
    await appendHostLog(state, key, { kind: "started", run: id, timeMs: Date.now() });
    cedar?.tellTo((decision) => note("note", decision));
    options.onReady?.(facts);

    const observer =
      confinement.observing && new Observer(confinement.observing, (executed) => note("note", { executed }));
    const flowLog = (authority: Authority | null): FlowLog =>
      new FlowLog(journal, (authority === null ? log : log.under(authority.id)).parts, tally);
    const sockets = brokeredSockets(confinement.network, flowLog(tokens.root), tokens.root);
    const containment: Containment = new Containment({
      run: id,
      launcher: wholeRun(launcher, () => agents.launchers()),
      record: (contained, why) => note("note", { contained, ...why }),
      tell: (event) => options.onContained?.(event, id),
      endAfterMs: options.terminalIndex < 0 ? endAfterMs(options.profile.breakers) : null,
    });
    const storms = stormsOf(options.profile, confinement.policy, containment);
    tally.onDenial = ({ rule, path }) => storms.denied(rule, path);
    const limits = runLimits(options.profile, user.name);
    const stop = (cause: Cause): void => void containment.freeze(cause).catch(() => {});
    const quotas = quotasOf(options.profile.quotas, tokens.mayCount, { platform: linux, stop });
    if (quotas !== null) tokens.countBelow(quotas.account);
    const session: Session = {
      run: id,
      containment,
      storms,
      profile: options.profile.name,
      policy: confinement.policy,
      authority: tokens.root ?? undefined,
      agents: null,
      written: new WrittenFiles(),
      programs: confinement.programs,
      cedar,
      policyWithout: policiesWithout(),
      ownRepositories: new OwnRepositories(),
      ownSharedMemory: new OwnSharedMemory(),
      ownTerminals: new OwnTerminals(),
      pending: new Set(),
      ownSockets: new OwnSockets(linux),
      ssh,
      gpg,
      hooksPaths: new HooksPaths(workspace, home),
      fifos: new FifoMeetings(),
      observer,
      limits,
      quotas,
      log,
      ...writesOf(undo, log),
      platform: linux,
      network: await cookieOf(namespace),
      rootPid: launcher.pid,
      sockets,
      signal: (pid, signal) => asOwner(() => binding.signalDescendant(launcher.pid, pid, signal)),
      launch: (request, descriptors) => tree.launchFurther(request, descriptors),
    };
    const output = [options.stdio[1], options.stdio[2]] as const;
    const tree = new Tree({ launcher, confinement, user, self, output }, () => session);
    const gate: FlowGate = new FlowGate({ profile: options.profile.name, quotas, containment, cedar });
    const agents = new SubLaunches({
      ...{ options, places, confinement, user, self, tokens, tree, session, asOwner },
      note: (extra) => note("note", extra),
      network: { flowLog, profile: options.profile, outside: options.outside },
    });
    session.agents = agents;
    const revocations = followRevocations({
      ...{ tokens, agents, containment, asOwner },
      note: (extra) => note("note", extra),
    });
    const agent = ssh.keys.size > 0 ? await serveSshAgent(session) : null;
    const gpgAgent = gpg.keys.size > 0 ? await serveGpgAgent(session, tmp) : null;
    const unwatch = watchInspector(() => note("note", { signal: "SIGUSR1", inspector: "kept shut" }));
    const control = await serveControl({
      directory: dirname(dir),
      rootPid: launcher.pid,
      platform: linux,
      verbs: {
        ...containmentVerbs(
          containment,
          { run: id, started: Date.now(), profile: options.profile.name, workspace, argv: options.argv },
          () => agents.contained(),
        ),
        revocations: async () => ({ revoked: revocations.refresh() }),
      },
    });
    binding.isolateUmask();
    lower();

    let network: ServedNetwork | null = null;
    const notStarted = async (error: unknown): Promise<never> => {
      await network?.close();
      raise();
      watched.close();
      confinement.close();
      undo?.close();
      unwatch();
      agent?.close();
      control.close();
      gpgAgent?.close();
      note("run.end", { outcome: "did not start", error: String(error) });
      await journal.close();
      throw error;
    };
    if (namespace !== null) {
      const parts = {
        namespace,
        grants: confinement.network!,
        profile: options.profile,
        authority: tokens.root,
        gate,
        run: id,
        tmp,
      };
      network = await startNetwork({ ...parts, log: flowLog(tokens.root), outside: options.outside }).catch(
        notStarted,
      );
      sockets.reach({ ...network, namespace });
    }
    const environment = scrub(options.environment, confinement.environment, {
      ...(agent === null ? {} : { SSH_AUTH_SOCK: agent.path }),
      ...(gpgAgent === null ? {} : { GNUPGHOME: gpgAgent.home }),
      ...network?.environment,
      ...(options.preload === undefined ? {} : { LD_PRELOAD: options.preload }),
      HOME: home,
      USER: user.name,
      LOGNAME: user.name,
      // Without it a shell asks the user database, and libc a daemon behind a socket.
      SHELL: options.environment["SHELL"] ?? user.shell,
      TMPDIR: tmp,
    });
    const leaderPid = await tree
      .launchLeader({
        path: program,
        argv: options.argv,
        environment,
        cwd: workspace,
        stdio: options.stdio,
        terminalIndex: options.terminalIndex,
      })
      .catch(notStarted);

    let timedOut = false;
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            launcher.end(GRACE_MS);
          }, options.timeoutMs);
    onExit = (pid) => {
      if (pid === leaderPid) return launcher.end(GRACE_MS);
      tree.ended(pid, exits.get(pid)!);
      exits.delete(pid);
    };
    onGone = () => {
      clearTimeout(timer);
      void finish().then(ends.resolve, ends.reject);
    };
    if (exits.has(leaderPid)) onExit(leaderPid);

    async function finish(): Promise<RunEnd> {
      const status = exits.get(leaderPid) ?? SIGKILL;
      await agents.end();
      tree.close();
      launcher.close();
      confinement.close();
      containment.ended();
      revocations.close();
      storms.close();
      quotas?.close();
      limits.close();
      await Promise.allSettled(session.pending);
      session.ownSockets.close();
      session.transactions.close();
      await network?.close();
      // With the run's own authority: the tree is the program's, and what it leads to may not be.
      removeQuietly(tmp);
      const kept = undo?.seal(session.written);
      raise();
      watched.close();
      leaveWatch(watch);
      undo?.close();
      unwatch();
      agent?.close();
      control.close();
      gpgAgent?.close();
      const plain = timedOut
        ? { exitCode: EXIT_TIMEOUT, outcome: "timed out" }
        : { exitCode: exitCodeOf(status), outcome: outcomeText(status) };
      const { exitCode, outcome } = containment.ending ?? plain;
      for (const content of kept?.contents ?? []) note("note", { what: "content", ...content });
      const undoable = kept?.undoable ?? 0;
      note("run.end", { outcome, exitCode, operations: tally.operations, denials: tally.denials, undoable });
      const head: Checkpoint = await journal.close();
      await appendHostLog(state, key, { kind: "ended", run: id, timeMs: Date.now(), checkpoint: head });
      if (staged !== undefined) leaveStage(id, state);
      return {
        ...facts,
        exitCode,
        outcome,
        operations: tally.operations,
        denials: tally.denials,
        denied: tally.denied,
        changedFiles: tally.changedFiles,
        undoable,
        ...(observer === null ? {} : { learning: { ...observer.observed, policy: observer.policy, places } }),
        auditHead: { origin: head.origin, size: head.size, root: head.root.toString("base64") },
      };
    }

    return {
      id,
      pid: leaderPid,
      ended: ends.promise,
      containment,
      signal(name) {
        const number = SIGNALS[name];
        if (number !== undefined && launcher.signal(-leaderPid, number) < 0)
          launcher.signal(leaderPid, number);
      },
    };

    function lower(): void {
      binding.lowerAuthority(user === self ? null : user, confinement.brokerCapabilities);
      authority = "lowered";
    }

    function raise(): void {
      if (authority === "full") return;
      binding.raiseAuthority();
      authority = "full";
    }
  }
}

type Deferred<T> = { promise: Promise<T>; resolve(value: T): void; reject(reason: unknown): void };

function deferred<T>(): Deferred<T> {
  const result: Partial<Deferred<T>> = {};
  result.promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }));
  return result as Deferred<T>;
}

function userToBecome(name: string, self: User): User {
  const user = userByName(name);
  if (user.uid === self.uid) return self;
  if (self.uid !== 0)
    throw new SallyportError("SETUP", `Cannot run as "${name}": only root may change the user`, {
      errno: "EPERM",
    });
  return user;
}
