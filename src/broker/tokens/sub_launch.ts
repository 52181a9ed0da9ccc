import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { binding, type NativeLauncher } from "../../platform/binding.ts";
import { ERRNO } from "../../platform/errno.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { ExecRequest } from "../../protocol/message.ts";
import { type Confinement, confineFurther } from "../confinement.ts";
import { Containment } from "../containment.ts";
import type { SubAgent } from "../control/verbs.ts";
import { refusal } from "../denial.ts";
import type { RefusingRule } from "../judgement.ts";
import { launcherPath } from "../launcher_path.ts";
import { FlowGate } from "../network/flow_gate.ts";
import type { FlowLog } from "../network/flow_log.ts";
import type { Outside } from "../network/outside.ts";
import type { ServedNetwork } from "../network/serve.ts";
import { brokeredSockets, cookieOf, namespaceOf, startNetwork } from "../network/start.ts";
import type { Outcome } from "../outcome.ts";
import { OwnSharedMemory } from "../own_shared_memory.ts";
import { OwnSockets } from "../own_sockets.ts";
import { OwnTerminals } from "../own_terminals.ts";
import { removeQuietly } from "../private_directory.ts";
import type { RunOptions } from "../run_options.ts";
import type { Session } from "../session.ts";
import { Transactions } from "../transactions.ts";
import { Tree } from "../tree.ts";
import type { User } from "../user.ts";
import type { Places } from "../workspace.ts";
import type { Agents, Presented } from "./agents.ts";
import { type Authority, endOf } from "./authority.ts";
import type { Held } from "./capability_table.ts";
import type { RunTokens } from "./run_tokens.ts";
import { Senders } from "./senders.ts";

const MAX_PRESENTED = 16_384;
/** Trees of one run at a time, beside its first. */
const MAX_TREES = 1024;
const GRACE_MS = 2000;
/** A frozen sub-agent that nobody deals with is ended. */
const FROZEN_MS = 600_000;

export type SubLaunchParts = {
  readonly options: RunOptions;
  readonly places: Places;
  readonly confinement: Confinement;
  readonly user: User;
  readonly self: User;
  readonly tokens: RunTokens;
  /** What the run has started with. */
  readonly session: Session;
  readonly tree: Tree;
  /** Does it with the full authority of the broker. */
  asOwner<T>(act: () => T): T;
  note(extra: Record<string, string | number | boolean>): void;
  readonly network: {
    flowLog(authority: Authority): FlowLog;
    readonly profile: RunOptions["profile"];
    readonly outside: Outside | undefined;
  };
};

export type SubTree = {
  readonly tree: Tree;
  readonly authority: Authority;
  readonly containment: Containment;
  readonly ended: Promise<void>;
};

/**
 * The launches of a run that have less than their launcher: each has a launcher, a Landlock domain, a filter, a TMPDIR and a network
 * namespace of its own, and a session that rests on what was presented.
 */
export class SubLaunches implements Agents {
  readonly #parts: SubLaunchParts;
  readonly #senders: Senders;
  readonly #trees = new Set<SubTree>();
  /** Handles by the session that presented them. */
  readonly #presented = new Map<number, { readonly held: Held; readonly rootPid: number }>();
  #starting = 0;

  constructor(parts: SubLaunchParts) {
    this.#parts = parts;
    const { platform } = parts.session;
    this.#senders = new Senders({
      parentOf: (pid) => platform.parentOf(pid),
      identityOf: binding.processIdentity,
    });
    this.#senders.add(parts.tree.launcher.pid);
  }

  get audience(): string {
    return this.#parts.tokens.audience;
  }

  belongs(pid: number, identity: number, session: Session): boolean {
    return this.#senders.belongs(pid, identity, session.rootPid);
  }

  present(presented: Presented, session: Session): Outcome {
    const { tokens } = this.#parts;
    const verdict = tokens.verify(presented);
    if (verdict.kind === "refused") return refused(verdict.rule);
    const wider = tokens.wider(verdict.chain, session.authority ?? null);
    if (wider !== null) return refused(wider);
    this.#makeRoom();
    const held = tokens.take(verdict.chain, session.authority ?? null);
    if ("rule" in held) return refused(held.rule);
    this.#presented.set(held.handle, { held, rootPid: session.rootPid });
    return { kind: "value", value: { handle: held.handle } };
  }

  authorityOf(handle: number, session: Session): Authority | null {
    const held = this.#heldBy(handle, session);
    // Nothing lies in a TMPDIR that is not there yet.
    return held === null
      ? null
      : this.#parts.tokens.authority([held], session.authority ?? null, "/run/sallyport");
  }

  #heldBy(handle: number, { rootPid }: Session): Held | null {
    const found = this.#presented.get(handle);
    return found !== undefined && found.rootPid === rootPid ? this.#parts.tokens.table.find(handle) : null;
  }

  /** What has ended and launched nothing is let go of before one is refused. */
  #makeRoom(): void {
    if (this.#presented.size < MAX_PRESENTED) return;
    const now = this.#parts.tokens.clock.now();
    for (const [handle, { held }] of this.#presented) if (endOf(held, now) !== null) this.#drop(handle, held);
    if (this.#presented.size >= MAX_PRESENTED)
      throw new SallyportError("LIMIT", `Cannot present more than ${MAX_PRESENTED} tokens in a run`, {
        errno: "EMFILE",
      });
  }

  #drop(handle: number, held: Held): void {
    this.#presented.delete(handle);
    if (this.restingOn([held]).length === 0) this.#parts.tokens.table.drop(held);
  }

  /** Those that rest on one of `held`. */
  restingOn(held: readonly Held[]): readonly SubTree[] {
    const all = new Set(held);
    return [...this.#trees].filter(({ authority }) => authority.all.some((one) => all.has(one)));
  }

  /** Of each that lives, with the id of the capability that it was launched with. */
  contained(): readonly SubAgent[] {
    return [...this.#trees].map(({ authority, containment }) => ({ capability: authority.id, containment }));
  }

  /** For the run as a whole to be stopped and ended; what is frozen for itself is left so. */
  launchers(): readonly NativeLauncher[] {
    const own = [...this.#trees].filter(({ containment }) => containment.state !== "frozen");
    return own.map(({ tree }) => tree.launcher);
  }

  async launch(request: ExecRequest, presenter: Session, descriptors: readonly number[]): Promise<number> {
    const held = this.#heldBy(request.handle ?? -1, presenter);
    if (held === null)
      throw new SallyportError("NOT_FOUND", "Cannot launch: no such handle", { errno: "EBADF" });
    if (this.#trees.size + this.#starting >= MAX_TREES)
      throw new SallyportError(
        "LIMIT",
        `Cannot launch: a run has at most ${MAX_TREES} sub-agents at a time`,
        {
          errno: "EAGAIN",
        },
      );
    this.#starting++;
    try {
      return await this.#start(held, presenter, request, descriptors);
    } finally {
      this.#starting--;
    }
  }

  /** Ends all of them; resolves when nobody is left. */
  async end(): Promise<void> {
    for (const { tree } of this.#trees) tree.launcher.end(GRACE_MS);
    await Promise.allSettled([...this.#trees].map(({ ended }) => ended));
  }

  async #start(
    held: Held,
    presenter: Session,
    request: ExecRequest,
    descriptors: readonly number[],
  ): Promise<number> {
    const { options, places, confinement: whole, user, self, tokens, asOwner, note } = this.#parts;
    this.#tellSendersApart();
    const from = presenter.authority?.tmp ?? places.tmp;
    const tmp = mkdtempSync(join(from, "agent-"));
    const authority = tokens.authority([held], presenter.authority ?? null, tmp);
    const undone: (() => void)[] = [() => removeQuietly(tmp)];
    try {
      const confinement = asOwner(() => confineFurther(whole, options, { ...places, tmp }, authority));
      undone.push(() => confinement.close());
      const ends = { leader: -1, exited: new Set<number>(), gone: () => {} };
      const launcher = asOwner(() =>
        binding.startLauncher(
          launcherPath(),
          (pid, status) => {
            ends.exited.add(pid);
            tree.ended(pid, status);
            if (pid === ends.leader) launcher.end(GRACE_MS);
          },
          () => ends.gone(),
        ),
      );
      undone.push(() => launcher.close());
      const namespace = await namespaceOf(launcher, confinement, user === self);
      const containment = new Containment({
        run: tokens.run,
        launcher,
        record: (contained, why) => note({ contained, agent: authority.id, ...why }),
        tell: () => {},
        endAfterMs: FROZEN_MS,
      });
      undone.push(() => containment.ended());
      const run = this.#parts.session.containment;
      const gate = {
        get held() {
          return containment.held ?? run?.held ?? null;
        },
      };
      const log = this.#parts.network.flowLog(authority);
      const sockets = brokeredSockets(confinement.network, log, authority);
      const network =
        namespace === null
          ? null
          : await startNetwork({
              ...{ namespace, log, authority, tmp, run: tokens.run, grants: confinement.network! },
              ...this.#parts.network,
              gate: new FlowGate({
                profile: options.profile.name,
                quotas: this.#parts.session.quotas,
                cedar: this.#parts.session.cedar,
                containment: gate,
              }),
            });
      if (network !== null) undone.push(() => void network.close());
      if (network !== null && namespace !== null) sockets.reach({ ...network, namespace });
      const own = { authority, sockets, containment: gate, network: await cookieOf(namespace) };
      const session = this.#sessionOf(own, launcher, () => tree);
      const output = [options.stdio[1], options.stdio[2]] as const;
      const tree = new Tree({ launcher, confinement, user, self, output }, () => session);
      tree.identifySenders();
      this.#senders.add(launcher.pid);
      undone.push(() => this.#senders.remove(launcher.pid));
      const ended = new Promise<void>((resolve) => {
        ends.gone = () => void this.#finish(sub, session, network, undone).then(resolve);
      });
      const sub: SubTree = { tree, authority, containment, ended };
      // A new launcher knows nothing of a run that was frozen meanwhile.
      for (let held = run?.held ?? null; held !== null; held = run?.held ?? null) await held;
      this.#trees.add(sub);
      undone.push(() => this.#trees.delete(sub));
      note({
        session: "started",
        capability: authority.id,
        of: held.chain.map(({ id }) => id).join(" › "),
        until: new Date(held.lease.expiresMs).toISOString(),
        launcher: launcher.pid,
        net: confinement.facts.net,
      });
      const env = environmentOf(request.env, from, tmp, network);
      ends.leader = await tree.launchFurther({ ...request, env }, descriptors);
      if (ends.exited.has(ends.leader)) launcher.end(GRACE_MS);
      return ends.leader;
    } catch (error) {
      for (const undo of undone.reverse()) undo();
      throw error;
    }
  }

  async #finish(
    { tree, authority }: SubTree,
    session: Session,
    network: ServedNetwork | null,
    undone: (() => void)[],
  ): Promise<void> {
    tree.close();
    for (const [handle, { held, rootPid }] of this.#presented)
      if (rootPid === session.rootPid) this.#drop(handle, held);
    session.ownSockets.close();
    session.transactions.close();
    await network?.close();
    for (const undo of undone.reverse()) undo();
    this.#parts.note({ session: "ended", capability: authority.id, launcher: tree.launcher.pid });
  }

  #sessionOf(
    own: Pick<Session, "authority" | "sockets" | "network" | "containment">,
    launcher: NativeLauncher,
    tree: () => Tree,
  ): Session {
    const { session: root, asOwner } = this.#parts;
    return {
      ...root,
      ...own,
      // What one session has made is not another's.
      ownSharedMemory: new OwnSharedMemory(),
      ownTerminals: new OwnTerminals(),
      ownSockets: new OwnSockets(root.platform),
      transactions: new Transactions(),
      signal: (pid, signal) => asOwner(() => binding.signalDescendant(launcher.pid, pid, signal)),
      rootPid: launcher.pid,
      launch: (request, descriptors) => tree().launchFurther(request, descriptors),
    };
  }

  #tellSendersApart(): void {
    const trees = [this.#parts.tree, ...[...this.#trees].map(({ tree }) => tree)];
    if (trees.every((tree) => tree.identifySenders() === 0)) return;
    throw new SallyportError(
      "SETUP",
      "Cannot launch a sub-agent: this kernel does not say who has sent a message (SO_PASSPIDFD, Linux 6.9)",
      { errno: "EOPNOTSUPP" },
    );
  }
}

/** What the presenter says, with the places of the new session in place of its own. */
function environmentOf(
  given: readonly string[],
  from: string,
  tmp: string,
  network: ServedNetwork | null,
): string[] {
  const variables = new Map<string, string>();
  for (const text of given) {
    const equals = text.indexOf("=");
    if (equals > 0) variables.set(text.slice(0, equals), text.slice(equals + 1).replaceAll(from, tmp));
  }
  variables.set("TMPDIR", tmp);
  for (const [name, value] of Object.entries(network?.environment ?? {})) variables.set(name, value);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function refused(rule: RefusingRule): Outcome {
  return { kind: "denied", errno: EACCES, denial: { ...refusal("present", "", rule), layer: "capability" } };
}

const EACCES = ERRNO["EACCES"]!;
