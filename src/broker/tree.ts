import { binding, type NativeLauncher, type NativeLaunchSpec } from "../platform/binding.ts";
import { linux } from "../platform/linux.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { ExecRequest } from "../protocol/message.ts";
import { type ChannelFront, serveChannel } from "./channel_front.ts";
import type { Confinement } from "./confinement.ts";
import { launch } from "./launch.ts";
import { type NotifyFront, serveNotifications } from "./notify/front.ts";
import { ProgramEnds } from "./program_ends.ts";
import type { Session } from "./session.ts";
import type { User } from "./user.ts";

const MAX_CHANNELS = 64;
const EMFILE = 24;

export type TreeParts = {
  readonly launcher: NativeLauncher;
  readonly confinement: Confinement;
  readonly user: User;
  readonly self: User;
  /** Where programs write that bring no streams of their own. */
  readonly output: readonly [number, number];
};

/** The programs of one launcher, all under one session, and the ways by which they ask. */
export class Tree {
  readonly launcher: NativeLauncher;
  readonly #session: () => Session;
  readonly #classify: Confinement["classify"];
  readonly #base: Omit<
    NativeLaunchSpec,
    "path" | "argv" | "env" | "cwd" | "stdio" | "terminalIndex" | "channelFd"
  >;
  readonly #output: readonly [number, number];
  readonly #channels = new Set<ChannelFront>();
  readonly #fronts: NotifyFront[] = [];
  readonly #ends = new ProgramEnds();
  #identifies = false;

  /** `session` is asked for when the first program asks. */
  constructor({ launcher, confinement, user, self, output }: TreeParts, session: () => Session) {
    this.launcher = launcher;
    this.#session = session;
    this.#classify = confinement.classify;
    this.#base = specOf(confinement, user, self);
    this.#output = output;
  }

  /** The first program of the tree. Gives its pid; rejects with SETUP. */
  async launchLeader(
    spec: Pick<NativeLaunchSpec, "path" | "argv" | "cwd" | "stdio" | "terminalIndex"> & {
      readonly environment: readonly string[];
    },
  ): Promise<number> {
    const { environment, ...rest } = spec;
    const channel = this.#inheritedChannel();
    try {
      const env = withChannel(environment, channel);
      return await launch(this.launcher, { ...this.#base, ...rest, env, channelFd: channel }, this.#serve);
    } finally {
      if (channel >= 0) binding.closeFd(channel);
    }
  }

  /** A further program of the same tree, on behalf of one of it. The descriptors stay open until it settles. Rejects with SETUP. */
  async launchFurther(request: ExecRequest, descriptors: readonly number[]): Promise<number> {
    const [input = -1, output = this.#output[0], errors = this.#output[1]] = descriptors;
    const nothing = input < 0 ? linux.open("/dev/null", 1, 0, 0) : -1;
    const { path, argv, env, cwd } = request;
    const stdio = [input < 0 ? nothing : input, output, errors] as const;
    const told = this.#ends.expect(descriptors[3] ?? -1);
    const channel = this.#inheritedChannel();
    try {
      // Without one it could ask for nothing.
      if (channel === -EMFILE)
        throw new SallyportError("SETUP", "The run has no channel left", { errno: "EMFILE" });
      const spec = { ...this.#base, path, argv, cwd, stdio, terminalIndex: -1, channelFd: channel };
      const pid = await launch(this.launcher, { ...spec, env: withChannel(env, channel) }, this.#serve);
      told(pid);
      return pid;
    } finally {
      told(null);
      if (channel >= 0) binding.closeFd(channel);
      if (nothing >= 0) binding.closeFd(nothing);
    }
  }

  /** To be called for each program that `launcher` says has ended. */
  ended(pid: number, status: number): void {
    this.#ends.ended(pid, status);
  }

  /** From here on every message is looked at for who has sent it: the run has come to have more than one tree. 0 or -errno. */
  identifySenders(): number {
    this.#identifies = true;
    return Math.min(0, ...[...this.#channels].map((channel) => channel.identifySenders()));
  }

  close(): void {
    for (const channel of [...this.#channels]) channel.close();
    for (const front of this.#fronts) front.close();
    this.#ends.close();
  }

  /** Where no open is trapped, a program gets its channel as descriptor 3; else -1. */
  #inheritedChannel(): number {
    return this.#base.listener === "notify" ? -1 : this.#openChannel();
  }

  readonly #serve = (listenerFd: number): void => {
    this.#fronts.push(serveNotifications(listenerFd, this.#session(), this.#classify, this.#openChannel));
  };

  readonly #openChannel = (): number => {
    if (this.#channels.size >= MAX_CHANNELS) return -EMFILE;
    const [ours, theirs] = binding.socketPair();
    this.#addChannel(ours);
    return theirs;
  };

  #addChannel(fd: number): void {
    const channel = serveChannel(fd, this.#session(), this.#openChannel, () =>
      this.#channels.delete(channel),
    );
    this.#channels.add(channel);
    if (this.#identifies && channel.identifySenders() < 0) channel.close();
  }
}

/** `channel` is -1 for none. */
function withChannel(environment: readonly string[], channel: number): readonly string[] {
  const others = environment.filter((entry) => !entry.startsWith("SALLYPORT_FD="));
  return channel < 0 ? others : [...others, "SALLYPORT_FD=3"];
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
