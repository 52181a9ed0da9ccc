/**
 * The typed surface of the native addon, and the only file that loads it. The addon knows no policy. Two conventions:
 * set-up functions throw `{ syscall, errno, code }`; functions on the path of a request return a number, where a negative
 * one is -errno. All run on the event-loop thread. Paths given to `fs*` are absolute and normalised, and no symbolic link
 * is followed in any component (openat2(2) RESOLVE_NO_SYMLINKS): where there is one the answer is -ELOOP and the caller
 * asks `fsResolve` first.
 */
import { createRequire } from "node:module";

export type NativeProbe = {
  /** "landlock", "seccomp-notify", "seccomp-addfd-send", "seccomp-wait-killable", "openat2", "pidfd-thread", … */
  readonly name: string;
  readonly outcome: "works" | "missing";
  readonly syscall: string;
  /** 0 when it works. */
  readonly errno: number;
  /** A number that belongs to it (Landlock ABI, errata), else -1. */
  readonly value: number;
};

/** What the launcher does between clone3(2) and execve(2). Every descriptor is borrowed: the caller closes its own. */
export type NativeLaunchSpec = {
  /** Absolute path of the program; a `#!` script works. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** Become 0, 1, 2. */
  readonly stdio: readonly [number, number, number];
  /** Becomes descriptor 3, or -1. */
  readonly channelFd: number;
  /** Index (0 to 2) of the stdio descriptor that becomes the controlling terminal, or -1. */
  readonly terminalIndex: number;
  /** From landlockCreateRuleset, or -1 for none. */
  readonly rulesetFd: number;
  /** struct sock_filter[] installed before the main one; empty for none. */
  readonly stubFilter: Uint8Array;
  /** struct sock_filter[]; empty for none. */
  readonly filter: Uint8Array;
  /** "notify": install `filter` with NEW_LISTENER|WAIT_KILLABLE_RECV and hand the listener back. */
  readonly listener: "notify" | "none";
  /** null keeps the ids of the broker. */
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] } | null;
  /** Linux capability numbers that stay; everything else leaves every set, the bounding set included. */
  readonly keepCapabilities: readonly number[];
  readonly umask: number;
  /** [RLIMIT_*, soft, hard]; -1 is infinity. */
  readonly rlimits: readonly (readonly [number, number, number])[];
  /** CPU numbers for sched_setaffinity(2); empty leaves it. */
  readonly cpus: readonly number[];
};

export type NativeLaunched = {
  readonly pid: number;
  /** Close-on-exec; the caller owns it. */
  readonly pidfd: number;
  /** Close-on-exec, non-blocking; the caller owns it; -1 without a listener. */
  readonly listenerFd: number;
};

/** A failed launch: the target did not run. `stage` names the step of the child ("landlock", "seccomp", "exec", …). */
export type NativeLaunchFailure = {
  readonly stage: string;
  readonly syscall: string;
  readonly errno: number;
};

export type NativeLauncher = {
  readonly pid: number;
  /**
   * Before the first launch: everything launched after it is born in a network namespace of the run's own, in which every
   * address is local. `withUser` also enters an user namespace, which needs no privilege where the host allows it.
   */
  enterNetwork(
    withUser: boolean,
    done: (failure: NativeLaunchFailure | null, hasIpv6: boolean | null) => void,
  ): void;
  /** A socket inside that namespace; `address` has 4 or 16 bytes. Non-blocking; the caller owns it. */
  openEndpoint(
    use: "listen" | "datagram" | "connect",
    address: Uint8Array,
    port: number,
    done: (failure: NativeLaunchFailure | null, fd: number | null) => void,
  ): void;
  /** Launches one program; the first one is the leader, whose end is the end of the run. `done` is called once. */
  launch(
    spec: NativeLaunchSpec,
    done: (failure: NativeLaunchFailure | null, launched: NativeLaunched | null) => void,
  ): void;
  /** Signals a launched program (pid) or its process group (-pid). Returns 0 or -errno. */
  signal(pid: number, signal: number): number;
  /** SIGTERM to every process of the run now, SIGKILL after `graceMs`; `onEnd` follows when none is left. */
  end(graceMs: number): void;
  /** Closes the channel: the launcher kills what is left and leaves. */
  close(): void;
};

/** Index into `NativeNotifier.event`. */
export const EVENT = {
  slot: 0,
  nr: 1,
  tid: 2,
  tgid: 3,
  /** 0, or the errno with which the arguments could not be read (EFAULT, ENAMETOOLONG, EILSEQ, EBADF, ENOENT…). */
  status: 4,
  /** The object of a call by descriptor, held open (O_PATH; a socket: the same open file) until the reply; else -1. */
  heldFd: 5,
  /** Bit 0: path one ended in "/"; bit 1: it holds ".." and must be resolved; bit 2: it ended in "." or ".." or is the root; bits 3 to 5: the same for path two. */
  pathFlags: 6,
  arch: 7,
  /** Six entries: the low 32 bits of the arguments. */
  words: 8,
} as const;

export type NativeNotifier = {
  /** Int32Array(14), valid during the callback. */
  readonly event: Int32Array;
  /** Float64Array(12): the six arguments as unsigned numbers, then for utimensat [atime s, ns, mtime s, ns]. */
  readonly wide: Float64Array;
  /** Installs `fd` in the caller (ADDFD with SEND), closes it here. 0 or -errno; -ENOENT: the caller is gone. */
  replyFd(slot: number, fd: number, closeOnExec: number): number;
  /** errno > 0 fails the call. */
  replyError(slot: number, errno: number): number;
  replyValue(slot: number, value: number): number;
  /** 1 while the notification still waits. */
  isValid(slot: number): number;
  /** The bytes of a setxattr value or of a sockaddr, read with the event; null when there is none. */
  data(slot: number): Uint8Array | null;
  close(): void;
};

export type NativeChannel = {
  /** Sends one message with at most one descriptor, which is closed here in every case. 0 or -errno (-EAGAIN: full). */
  send(bytes: Uint8Array, fd: number): number;
  close(): void;
};

/** Waits for one descriptor; after each call of `ready` it waits for nothing until it is asked to. */
export type NativeWatch = {
  /** Bits of READY. */
  want(events: number): void;
  /** The descriptor may be closed afterwards; `ready` is not called any more. */
  close(): void;
};

/** What a watch waits for. `gone` comes along with an error, or where the peer has closed: whatever is tried next says which. */
export const READY = { readable: 1, writable: 2, gone: 4 } as const;

/** A thread that moves bytes between sockets without copying them (splice(2)), as many as are granted. */
export type NativeRelay = {
  /** Starts one direction, by descriptors of its own. Gives its id, or -errno. */
  add(fromFd: number, toFd: number): number;
  /** Written so far; 0 for one that has ended. */
  bytes(id: number): number;
  /** Not a byte more is written when this returns. Gives what was; 0 where `ended` has been or will be called for it. */
  stop(id: number): number;
  /** At the start nothing is granted. */
  grant(bytes: number): void;
  /** Stops everything; no callback is called any more. */
  close(): void;
};

/** Index into the Float64Array(16) that `fsStat` fills. */
export const STAT = {
  mode: 0,
  uid: 1,
  gid: 2,
  size: 3,
  nlink: 4,
  mtimeMs: 5,
  ino: 6,
  dev: 7,
  rdev: 8,
} as const;

/** Index into the Float64Array(16) that `fsLook` and `storeLook` fill: statx(2). Without a time of birth it is 0. */
export const LOOK = {
  mode: 0,
  uid: 1,
  gid: 2,
  size: 3,
  nlink: 4,
  ino: 5,
  dev: 6,
  bornSec: 7,
  bornNsec: 8,
  mtimeSec: 9,
  mtimeNsec: 10,
  ctimeSec: 11,
  ctimeNsec: 12,
  atimeSec: 13,
  atimeNsec: 14,
} as const;

export type NativeBinding = {
  /** Tries each feature in a child of its own. Blocks for about 30 ms. */
  probe(): NativeProbe[];

  landlockAbi(): number;
  landlockErrata(): number;
  /** Throws when a bit is unknown to the kernel: the caller masks to the ABI and says so. */
  landlockCreateRuleset(handledFs: number, handledNet: number, scoped: number): number;
  landlockAddPath(rulesetFd: number, pathFd: number, allowed: number): void;

  /** Starts the launcher program: child subreaper and parent of one run, ends it when this process dies. */
  startLauncher(
    program: string,
    onExit: (pid: number, waitStatus: number) => void,
    onEnd: (leftovers: number) => void,
  ): NativeLauncher;

  /** `onEvent` gets the first and second path (normalised, absolute; "" where there is none). `onEnd`: no task is left. */
  startNotifier(
    listenerFd: number,
    onEvent: (pathOne: string, pathTwo: string) => void,
    onEnd: () => void,
  ): NativeNotifier;

  /**
   * Gives this thread, and what it starts from then on, a private copy of all mounts, until `leaveOwnMounts`. Throws EPERM without
   * CAP_SYS_ADMIN, EBUSY when it is in one already.
   */
  enterOwnMounts(): void;
  leaveOwnMounts(): void;
  /**
   * Holds up every execution through the mounts that this thread has, until `decide` has answered: false is EPERM. `fd` is the file,
   * open for reading during the call. When the watch is closed, or this process dies, the kernel lets through what waits.
   */
  startExecutionWatch(decide: (fd: number, pid: number) => boolean): { close(): void };

  /** SOCK_SEQPACKET, close-on-exec. The first end is the broker's: non-blocking, SO_PASSCRED. */
  socketPair(): [number, number];
  /** Takes `fd`. At most 4 descriptors a message; with MSG_TRUNC or MSG_CTRUNC the message is not delivered and `onClose` gets EPROTO. */
  startChannel(
    fd: number,
    onMessage: (bytes: Uint8Array, pid: number, uid: number, gid: number, fds: number[]) => void,
    onClose: (errno: number) => void,
  ): NativeChannel;

  /*
   * For a client's own thread, which waits: 0, or what came, or -errno (-ETIMEDOUT).
   */
  /** Sends one message with at most 4 descriptors, which stay the caller's. */
  messageSend(fd: number, bytes: Uint8Array, fds: readonly number[], timeoutMs: number): number;
  /** The next message and its descriptors, which are the caller's now. -EPIPE: the other end is gone. */
  messageReceive(fd: number, timeoutMs: number): [Uint8Array, number[]] | number;
  /** The first 16 bytes, or fewer, of the message that is next, which stays where it is. */
  messagePeek(fd: number, timeoutMs: number): Uint8Array | number;

  /** [domain, type, protocol, 1 when it blocks, SO_SNDTIMEO in ms (0: none), SO_NETNS_COOKIE] of a socket, or -errno. */
  socketFacts(fd: number): [number, number, number, number, number, number] | number;
  /** [pid, uid, gid] of whoever listens at the other end (SO_PEERCRED), or -errno. */
  socketPeer(fd: number): [number, number, number] | number;
  /**
   * Connects an AF_UNIX socket to the file that `pinnedFd` (O_PATH) holds. Never waits: -EAGAIN when the listener's queue is full.
   * The peer is told this process and the user of `lowerAuthority`.
   */
  socketConnect(fd: number, pinnedFd: number): number;
  /** connect(2) with a whole sockaddr. Never waits: -EINPROGRESS, and a further call tells what came of it. */
  socketConnectAddress(fd: number, address: Uint8Array): number;
  /** bind(2) with a whole sockaddr; a relative name starts from the directory `baseFd`, or from the own one when it is -1. */
  socketBind(fd: number, address: Uint8Array, baseFd: number, umask: number): number;
  socketListen(fd: number, backlog: number): number;
  /*
   * Stream sockets of the broker's own, non-blocking, without Nagle's delay. Nothing waits; a number below zero is -errno.
   */
  /** A socket of this process's network namespace; a connect may be in progress. The caller owns the descriptor. */
  openEndpoint(use: "listen" | "connect", address: Uint8Array, port: number): number;
  streamWatch(fd: number, events: number, ready: (events: number) => void): NativeWatch;
  streamAccept(listenerFd: number): number;
  /** At most 64 KiB; none: the peer has ended. */
  streamRead(fd: number): Buffer | number;
  streamWrite(fd: number, bytes: Uint8Array): number;
  /** Two connected Unix stream sockets, close-on-exec; the first does not block. Or -errno. */
  streamPair(): [number, number] | number;
  /** Ends our side (shutdown(2)). */
  streamEnd(fd: number): void;
  /** The close that follows is a reset. */
  streamReset(fd: number): void;
  /** 0 once a connect is done, -EINPROGRESS before. */
  streamConnected(fd: number): number;
  /** The own or the peer's address and port. */
  streamName(fd: number, ofPeer: boolean): [Uint8Array, number] | number;
  /**
   * Starts a relay. `ended` gets 0 when the source of a direction has ended and all is written, its sink shut down for writing; else
   * an errno. `low`: less than `lowBelowBytes` of what was granted is left.
   */
  startRelay(
    lowBelowBytes: number,
    ended: (id: number, errno: number, bytes: number) => void,
    low: () => void,
  ): NativeRelay;

  /** Flags and mode are Linux's. O_CLOEXEC, O_NOCTTY and O_NONBLOCK are added; O_NONBLOCK is taken off again unless it was asked for . -ESPIPE: a FIFO opened for reading that has to wait for a writer; nothing is open. */
  fsOpen(path: string, flags: number, mode: number, umask: number): number;
  /**
   * Walks `path` component by component as thread `tid` would see it (/proc/self is its own) and gives the path without
   * symbolic links; the last component need not exist. follow: 1 resolves a link in the last component too.
   * Links of /proc/PID/{fd,cwd,root,exe} are not followed: -EXDEV, except a final /proc/<own tgid>/fd/N, which is returned.
   */
  fsResolve(path: string, tid: number, tgid: number, follow: number): string | number;
  fsStat(path: string, out: Float64Array): number;
  fdStat(fd: number, out: Float64Array): number;
  /** revents of poll(2) for POLLIN, without waiting; or -errno. */
  fdPoll(fd: number): number;
  fdMakeBlocking(fd: number): number;
  /** Names without "." and "..", at most `maxEntries`, else -EOVERFLOW. */
  fsList(path: string, maxEntries: number): string[] | number;
  fsReadlink(path: string): string | number;
  fsMkdir(path: string, mode: number, umask: number): number;
  /** kind: S_IFREG or S_IFIFO in `mode`. */
  fsMknod(path: string, mode: number, umask: number): number;
  fsUnlink(path: string, flags: number): number;
  fsRename(from: string, to: string, flags: number): number;
  fsLink(from: string, to: string): number;
  /** Links an unnamed file (O_TMPFILE) that thread `tid` holds as `remoteFd`. */
  fsLinkDescriptor(tid: number, remoteFd: number, to: string): number;
  fsSymlink(target: string, path: string): number;
  /** `target` is a path or a held descriptor. The setuid and setgid bits must not be set. */
  fsChmod(target: string | number, mode: number): number;
  fsChown(target: string | number, uid: number, gid: number): number;
  /** Nanoseconds field may be UTIME_NOW or UTIME_OMIT. */
  fsUtimens(target: string | number, aSec: number, aNsec: number, mSec: number, mNsec: number): number;
  fsTruncate(target: string | number, size: number): number;
  fsSetxattr(target: string | number, name: string, value: Uint8Array, flags: number): number;
  fsRemovexattr(target: string | number, name: string): number;
  /** The path of an open descriptor of ours (readlink of /proc/self/fd), or -errno. */
  fdPath(fd: number): string | number;
  /** Opens what `remoteFd` of thread `tid` names again: a pipe, terminal or file, with at most the access it holds. -EXDEV: a file with a name that is held with less; decide on its name. */
  fsReopenDescriptor(tid: number, remoteFd: number, flags: number): number;
  closeFd(fd: number): void;

  /** `target` is a path or a descriptor; a link is looked at itself. */
  fsLook(target: string | number, out: Float64Array): number;
  /** Every extended attribute that may be read, ACLs included. */
  fsAttributes(target: string | number): [name: string, value: Uint8Array][] | number;
  /*
   * The store is an open directory, `name` one component in it. Nothing is replaced; 0, or what is said, or -errno. `ino`: -ESTALE
   * with nothing done when the object at the path is another.
   */
  storeLook(store: number, name: string, out: Float64Array): number;
  /** A descriptor of an empty twin of the file open as `old`; -EAGAIN: somebody else has it open (native/linux/fs/stage.h). */
  stageReplacement(old: number, flags: number, store: number, name: string): number;
  storeExchange(path: string, store: number, name: string, ino: number): number;
  storeMoveIn(path: string, store: number, name: string, ino: number): number;
  storeLinkIn(path: string, store: number, name: string): number;
  storeMoveOut(store: number, name: string, path: string): number;
  storeLinkOut(store: number, name: string, path: string): number;
  storeOpen(store: number, name: string, flags: number, mode: number): number;
  storeRemove(store: number, name: string): number;
  /** Shares the content of `source` (FICLONE). */
  fdShare(target: number, source: number): number;
  /** 0 when nobody else has the regular file open or mapped, -EAGAIN when somebody has. Needs the file's owner. */
  fdIsHeldAlone(fd: number): number;
  /** Copies at most `length` bytes at `offset`; gives how many, 0 at the end. */
  fdCopy(target: number, source: number, offset: number, length: number): number;

  processUmask(tid: number): number;
  /** Number N of the controlling terminal /dev/pts/N of the process, or -errno (-ENXIO: none). */
  processTerminal(tid: number): number;
  processParent(pid: number): number;
  /** Signals the process by a pidfd, when it descends from `root`. 0, -EPERM when it does not, -ESRCH: gone; signal 0 looks only. */
  signalDescendant(root: number, pid: number, signal: number): number;

  /** Gives the calling thread an umask of its own (unshare(CLONE_FS)), so that effects do not race other threads. */
  isolateUmask(): void;
  /** Lowers the calling thread's effective capabilities to `keep`, and fsuid, fsgid and groups to `user`. */
  lowerAuthority(
    user: { uid: number; gid: number; groups: readonly number[] } | null,
    keep: readonly number[],
  ): void;
  /** Takes back what lowerAuthority gave away, for the broker's own state. */
  raiseAuthority(): void;

  /** Names of the extended attributes of what `fd` holds, O_PATH and symbolic links included; or -errno. */
  fdListxattr(fd: number): string[] | number;
  fdGetxattr(fd: number, name: string): Uint8Array | number;
  /** execve(2) in place of this process, with its environment; the descriptors of `keep` stay open. Throws, or does not return. */
  replaceProcess(program: string, argv: readonly string[], keep: readonly number[]): never;

  /** [master, slave], both close-on-exec, and the name of the slave. */
  openPty(): [number, number, string];
  setWindowSize(fd: number, rows: number, columns: number): void;
  getWindowSize(fd: number): [number, number];
  /** cfmakeraw(3); gives what `restoreTerminal` wants. Throws. */
  makeRaw(fd: number): Uint8Array;
  restoreTerminal(fd: number, settings: Uint8Array): void;

  /** Maps [0, bytes) of the file shared and writable; the mapping lives as long as the buffer. */
  mapShared(fd: number, bytes: number): ArrayBuffer;
  /**
   * Appends the records of a journal segment in [start, end) of `image` as leaves to the Merkle tree (RFC 6962) of `size`
   * leaves whose full subtrees have the roots `edge` (2048 bytes, largest first, written). Gives the new size, or -1 with
   * nothing done when these are not records.
   */
  appendRecords(image: Uint8Array, start: number, end: number, edge: Uint8Array, size: number): number;
};

export const binding: NativeBinding = createRequire(import.meta.url)("#addon");
