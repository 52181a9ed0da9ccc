import { randomBytes } from "node:crypto";
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
import type { ExecRequest } from "../protocol/message.ts";
import { type ChannelFront, serveChannel } from "./channel_front.ts";
import { type Confinement, confine } from "./confinement.ts";
import { scrub } from "./environment.ts";
import { exitCodeOf, outcomeText, SIGNALS } from "./exit.ts";
import { FifoMeetings } from "./fifo_meetings.ts";
import { findProgram } from "./find_program.ts";
import { HooksPaths } from "./hooks_path.ts";
import { refuseOpenInspector, watchInspector } from "./inspector.ts";
import { launch } from "./launch.ts";
import { launcherPath } from "./launcher_path.ts";
import { runLimits } from "./limits.ts";
import { FlowLog } from "./network/flow_log.ts";
import type { ServedNetwork } from "./network/serve.ts";
import { brokeredSockets, cookieOf, namespaceOf, startNetwork } from "./network/start.ts";
import { type NotifyFront, serveNotifications } from "./notify/front.ts";
import { Observer } from "./observer.ts";
import { OwnRepositories } from "./own_repositories.ts";
import { ownSandboxAdvice } from "./own_sandboxes.ts";
import { OwnSharedMemory } from "./own_shared_memory.ts";
import { OwnSockets } from "./own_sockets.ts";
import { OwnTerminals } from "./own_terminals.ts";
import { privateDirectory, removeQuietly } from "./private_directory.ts";
import { enterWatch, leaveWatch, startWatch } from "./programs/watch.ts";
import type { Run, RunEnd, RunFacts } from "./run_facts.ts";
import { RunLog } from "./run_log.ts";
import type { RunOptions } from "./run_options.ts";
import type { Session } from "./session.ts";
import { serveSshAgent } from "./ssh_agent/agent.ts";
import { sshGrantOf } from "./ssh_agent/grant.ts";
import { leaveStage, stageEntered } from "./stage/enter.ts";
import { openState, stateDirectory } from "./state.ts";
import { Tally } from "./tally.ts";
import { startUndo, writesOf } from "./undo/start.ts";
import { describeSockets } from "./unix_sockets.ts";
import { allHomes, type User, userByName, userByUid } from "./user.ts";
import { checkWorkspace, type Places, realName } from "./workspace.ts";

const GRACE_MS = 2000;
const MAX_CHANNELS = 64;
const EMFILE = 24;
/** What the target ended by when nobody was left to report it. */
const SIGKILL = 9;
const EXIT_TIMEOUT = 124;

/** Confines and starts a program, and brokers for it until its run has ended. Rejects with SETUP when it did not start. */
export async function startRun(asked: RunOptions): Promise<Run> {
  refuseOpenInspector();
  const options: RunOptions = {
    ...asked,
    reads: asked.reads?.map(realName),
    writes: asked.writes?.map(realName),
  };
  const self = userByUid(process.geteuid!());
  const user = options.user === undefined ? self : userToBecome(options.user, self);
  const state = openState(stateDirectory(options.state, self.home));
  const home = options.home ?? user.home;
  const workspace = checkWorkspace(options.workspace, [...allHomes(), home], state);
  const { staged } = options;
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
    const confinement = confine(options, places);
    const namespace = await namespaceOf(launcher, confinement, user === self);
    const program = confinement.programs.admit(
      findProgram(options.argv[0]!, options.environment["PATH"], workspace),
    );
    const runsAs = user === self ? "self" : "another user";
    const ssh = sshGrantOf(options, options.environment["SSH_AUTH_SOCK"], runsAs);
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
    const watched = startWatch(watch, options.profile.execution.watch, confinement.programs, log);
    const facts: RunFacts = {
      run: id,
      undo: undo?.placement ?? "off",
      profile: options.profile.name,
      withoutDenials: options.profile.withoutDenials,
      ownSandbox: ownSandboxAdvice(program, options.argv),
      workspace,
      stage,
      ...confinement.facts,
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
      ...describeSockets(confinement.policy, ssh.keys),
      execution: facts.execution,
      missing: facts.missing.join(", "),
      without: facts.withoutDenials.join(", "),
      undo: facts.undo,
      ...(staged === undefined ? {} : { stage }),
      ...(options.observe === undefined ? {} : { observe: options.observe }),
    });
    await appendHostLog(state, key, { kind: "started", run: id, timeMs: Date.now() });
    options.onReady?.(facts);

    const observer =
      confinement.observing && new Observer(confinement.observing, (executed) => note("note", { executed }));
    const flowLog = new FlowLog(journal, log.parts, tally);
    const sockets = brokeredSockets(confinement.network, flowLog);
    const session: Session = {
      run: id,
      profile: options.profile.name,
      policy: confinement.policy,
      programs: confinement.programs,
      policyWithout: policiesWithout(),
      ownRepositories: new OwnRepositories(),
      ownSharedMemory: new OwnSharedMemory(),
      ownTerminals: new OwnTerminals(),
      pending: new Set(),
      ownSockets: new OwnSockets(linux),
      ssh,
      hooksPaths: new HooksPaths(workspace, home),
      fifos: new FifoMeetings(),
      observer,
      limits: runLimits(options.profile),
      log,
      ...writesOf(undo, log),
      platform: linux,
      network: await cookieOf(namespace),
      sockets,
      signal: (pid, signal) => asOwner(() => binding.signalDescendant(launcher.pid, pid, signal)),
      rootPid: launcher.pid,
      launch: launchFurther,
    };
    const channels = new Set<ChannelFront>();
    const fronts: NotifyFront[] = [];
    const serve = (listenerFd: number): void => {
      fronts.push(serveNotifications(listenerFd, session, confinement.classify, openChannel));
    };
    const agent = ssh.keys.size > 0 ? await serveSshAgent(session) : null;
    const unwatch = watchInspector(() => note("note", { signal: "SIGUSR1", inspector: "kept shut" }));
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
      note("run.end", { outcome: "did not start", error: String(error) });
      await journal.close();
      throw error;
    };
    if (namespace !== null) {
      const parts = { namespace, grants: confinement.network!, profile: options.profile };
      network = await startNetwork({ ...parts, log: flowLog, outside: options.outside }).catch(notStarted);
      sockets.reach({ ...network, namespace });
    }
    const environment = scrub(options.environment, confinement.environment, {
      ...(agent === null ? {} : { SSH_AUTH_SOCK: agent.path }),
      ...network?.environment,
      HOME: home,
      USER: user.name,
      LOGNAME: user.name,
      // Without it a shell asks the user database, and libc a daemon behind a socket.
      SHELL: options.environment["SHELL"] ?? user.shell,
      TMPDIR: tmp,
    });
    const base = specOf(confinement, user, self);
    const [toBroker, inherited] = confinement.listener === "notify" ? [-1, -1] : binding.socketPair();
    const leaderPid = await launch(
      launcher,
      {
        ...base,
        path: program,
        argv: options.argv,
        env: inherited >= 0 ? [...environment, "SALLYPORT_FD=3"] : environment,
        cwd: workspace,
        stdio: options.stdio,
        terminalIndex: options.terminalIndex,
        channelFd: inherited,
      },
      serve,
    ).catch(notStarted);
    if (inherited >= 0) binding.closeFd(inherited);
    if (toBroker >= 0) addChannel(toBroker);

    let timedOut = false;
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            launcher.end(GRACE_MS);
          }, options.timeoutMs);
    onExit = (pid) => {
      if (pid === leaderPid) launcher.end(GRACE_MS);
      else exits.delete(pid);
    };
    onGone = () => {
      clearTimeout(timer);
      void finish().then(ends.resolve, ends.reject);
    };
    if (exits.has(leaderPid)) onExit(leaderPid);

    async function finish(): Promise<RunEnd> {
      const status = exits.get(leaderPid) ?? SIGKILL;
      for (const channel of [...channels]) channel.close();
      for (const front of fronts) front.close();
      launcher.close();
      confinement.close();
      await Promise.allSettled(session.pending);
      session.ownSockets.close();
      session.transactions.close();
      await network?.close();
      // With the run's own authority: the tree is the program's, and what it leads to may not be.
      removeQuietly(tmp);
      const kept = undo?.seal();
      raise();
      watched.close();
      leaveWatch(watch);
      undo?.close();
      unwatch();
      agent?.close();
      const exitCode = timedOut ? EXIT_TIMEOUT : exitCodeOf(status);
      const outcome = timedOut ? "timed out" : outcomeText(status);
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
      signal(name) {
        const number = SIGNALS[name];
        if (number !== undefined && launcher.signal(-leaderPid, number) < 0)
          launcher.signal(leaderPid, number);
      },
    };

    function openChannel(): number {
      if (channels.size >= MAX_CHANNELS) return -EMFILE;
      const [ours, theirs] = binding.socketPair();
      addChannel(ours);
      return theirs;
    }

    function addChannel(fd: number): void {
      const channel = serveChannel(fd, session, () => channels.delete(channel));
      channels.add(channel);
    }

    async function launchFurther(request: ExecRequest, descriptors: readonly number[]): Promise<number> {
      const [input = -1, output = options.stdio[1], errors = options.stdio[2]] = descriptors;
      const nothing = input < 0 ? linux.open("/dev/null", 1, 0, 0) : -1;
      try {
        return await launch(
          launcher,
          {
            ...base,
            path: request.path,
            argv: request.argv,
            env: request.env,
            cwd: request.cwd,
            stdio: [input < 0 ? nothing : input, output, errors],
            terminalIndex: -1,
            channelFd: -1,
          },
          serve,
        );
      } finally {
        if (nothing >= 0) binding.closeFd(nothing);
      }
    }

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

function specOf(confinement: Confinement, user: User, self: User) {
  return {
    rulesetFd: confinement.rulesetFd,
    stubFilter: new Uint8Array(0),
    filter: confinement.filter,
    listener: confinement.listener,
    user: user === self ? null : { uid: user.uid, gid: user.gid, groups: user.groups },
    keepCapabilities: confinement.keepCapabilities,
    umask: process.umask(),
    rlimits: confinement.rlimits,
    cpus: [],
  } as const;
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
