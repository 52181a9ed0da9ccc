/**
 * The messages between a client and the broker. Both ends and both ways in (shim and seccomp notification) share these
 * shapes; the wire form is in codec.ts, the strict check of untrusted bytes in parse.ts.
 */

export const PROTOCOL_VERSION = 1;

/** The name that a sandboxed program opens for writing to get a channel to its broker. Never exists on disk. */
export const BROKER_PATH = "/run/sallyport/broker";

/** Bits of `OpenRequest.flags`. Not Linux numbers: each platform maps them. An unknown bit is refused. */
export const OPEN = {
  read: 1,
  write: 2,
  append: 4,
  create: 8,
  exclusive: 16,
  truncate: 32,
  directory: 64,
  nofollow: 128,
  sync: 256,
  nonblock: 512,
  /** An unnamed file in the directory `path` (Linux O_TMPFILE). */
  temporary: 1024,
  direct: 2048,
  noatime: 4096,
  /** A handle without access (Linux O_PATH); only from a system call, never on the wire. */
  pathOnly: 8192,
} as const;
/** The bits that a frame may carry. */
export const OPEN_ALL = 8191;

export type OpenRequest = {
  readonly op: "open";
  readonly path: string;
  readonly flags: number;
  readonly mode: number;
};
export type StatRequest = { readonly op: "stat"; readonly path: string; readonly follow: Follow };
export type ListRequest = { readonly op: "list"; readonly path: string };
export type MkdirRequest = { readonly op: "mkdir"; readonly path: string; readonly mode: number };
/** Makes a regular file or a FIFO; device nodes and sockets are never made by the broker. */
export type MknodRequest = {
  readonly op: "mknod";
  readonly path: string;
  readonly kind: "file" | "fifo";
  readonly mode: number;
};
export type UnlinkRequest = {
  readonly op: "unlink";
  readonly path: string;
  readonly kind: "file" | "directory";
};
export type RenameRequest = {
  readonly op: "rename";
  readonly from: string;
  readonly to: string;
  readonly existing: "replace" | "refuse" | "exchange";
};
export type LinkRequest = {
  readonly op: "link";
  readonly from: string;
  readonly to: string;
  readonly follow: Follow;
};
/** `target` is stored as it is; it is judged when somebody follows it. */
export type SymlinkRequest = { readonly op: "symlink"; readonly target: string; readonly path: string };
export type ChmodRequest = {
  readonly op: "chmod";
  readonly path: string;
  readonly mode: number;
  readonly follow: Follow;
};
/** -1 leaves the id as it is. */
export type ChownRequest = {
  readonly op: "chown";
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly follow: Follow;
};
/** Times in nanoseconds since the epoch; "now" and "keep" are UTIME_NOW and UTIME_OMIT. */
export type UtimensRequest = {
  readonly op: "utimens";
  readonly path: string;
  readonly accessed: bigint | "now" | "keep";
  readonly modified: bigint | "now" | "keep";
  readonly follow: Follow;
};
export type TruncateRequest = { readonly op: "truncate"; readonly path: string; readonly sizeBytes: number };
export type SetXattrRequest = {
  readonly op: "setxattr";
  readonly path: string;
  readonly name: string;
  readonly value: Uint8Array;
  readonly existing: "any" | "create" | "replace";
  readonly follow: Follow;
};
export type RemoveXattrRequest = {
  readonly op: "removexattr";
  readonly path: string;
  readonly name: string;
  readonly follow: Follow;
};
/**
 * Starts a program in the same run. Standard streams are the descriptors that travel with the frame, in order 0, 1, 2;
 * with none, they are /dev/null, and the run's stdout and stderr.
 */
export type ExecRequest = {
  readonly op: "exec";
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
};
/**
 * Begins a transactional write of the file at `path`: gives a descriptor of a file that nobody else sees, and the number that
 * `commit` takes. `mode` counts where nothing stands there yet.
 */
export type BeginRequest = { readonly op: "begin"; readonly path: string; readonly mode: number };
/** Puts what was written in the place of `path`, whole. By then the descriptor, and every copy of it, is closed. */
export type CommitRequest = { readonly op: "commit"; readonly path: string; readonly transaction: number };
export type DiscardRequest = { readonly op: "discard"; readonly path: string; readonly transaction: number };
/** Connects to a granted host: a name, or the text of an address. The descriptor is that of a connected stream socket. */
export type ConnectRequest = { readonly op: "connect"; readonly host: string; readonly port: number };
/** Listens at a port of the run that the host may reach. The descriptor is that of a listening socket, non-blocking. */
export type BindRequest = { readonly op: "bind"; readonly port: number };
/** The addresses that stand for a granted name inside the run. */
export type ResolveRequest = { readonly op: "resolve"; readonly host: string };
/** Signals a process of the same run; signal 0 only asks whether it is there. */
export type KillRequest = { readonly op: "kill"; readonly pid: number; readonly signal: number };
/**
 * Connects a Unix socket of the caller's to the file at `path`. `socketFd` is the broker's copy of the socket, good until the
 * answer. Only from a system call.
 */
export type ConnectUnixRequest = {
  readonly op: "connect-unix";
  readonly path: string;
  readonly socketFd: number;
};
/** Binds a Unix socket of the caller's; `address` is the caller's own sockaddr, `path` the file it names. Only from a system call. */
export type BindUnixRequest = {
  readonly op: "bind-unix";
  readonly path: string;
  readonly socketFd: number;
  readonly address: Uint8Array;
};
/** Has the person's ssh-agent sign `data` with the key `blob`. Only from the agent that the broker serves a run. */
export type SshSignRequest = {
  readonly op: "ssh-sign";
  /** SHA256 fingerprint of `blob`. */
  readonly key: string;
  /** "signature NAMESPACE", "login USER" or "unknown", as the signed bytes say. */
  readonly purpose: string;
  readonly blob: Uint8Array;
  readonly data: Uint8Array;
  readonly flags: number;
};
/** Something that no profile can grant in this version; recorded and refused. `what` names the system call and why. */
export type RefusedRequest = {
  readonly op: "refused";
  readonly what: string;
  readonly rule: string;
  readonly errno: string;
};

export type Follow = "follow" | "nofollow";

export type Request =
  | OpenRequest
  | StatRequest
  | ListRequest
  | MkdirRequest
  | MknodRequest
  | UnlinkRequest
  | RenameRequest
  | LinkRequest
  | SymlinkRequest
  | ChmodRequest
  | ChownRequest
  | UtimensRequest
  | TruncateRequest
  | SetXattrRequest
  | RemoveXattrRequest
  | ExecRequest
  | BeginRequest
  | CommitRequest
  | DiscardRequest
  | ConnectRequest
  | BindRequest
  | ResolveRequest
  | KillRequest
  | ConnectUnixRequest
  | BindUnixRequest
  | SshSignRequest
  | RefusedRequest;

/** Operations that a client may send; the others exist only inside the broker. */
export type WireRequest = Exclude<
  Request,
  RefusedRequest | ConnectUnixRequest | BindUnixRequest | SshSignRequest
>;
export type Op = Request["op"];

export type Stat = {
  readonly kind: "file" | "directory" | "symlink" | "fifo" | "socket" | "device";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly linkCount: number;
  readonly modifiedMs: number;
  readonly inode: number;
  readonly device: number;
};

/** What a denied client is told: one line for a person is made of it, a model gets it as it is. */
export type Denial = {
  readonly op: Op;
  readonly path: string;
  /** The rule that refused, or "default-deny". */
  readonly rule: string;
  readonly reason: string;
  /** What would allow it, in words and as a flag or profile line. */
  readonly nextSteps: readonly string[];
  readonly layer: DenialLayer;
  /** Directories in which the same is allowed, the nearest first; none where no whole tree is. */
  readonly allowedRoots: readonly string[];
  /** Whether the same request may be allowed later without anything being changed. */
  readonly retry: "never" | "later";
  /** After which time, where that is known. */
  readonly retryAfterMs: number | null;
};

/** Which part of the confinement refused. */
export type DenialLayer =
  /** No rule of the profile grants it, or one of its own rules denies it. */
  | "profile"
  /** The maintained lists of secrets and of files that take effect outside the run. */
  | "protected"
  /** The capability token that the session was opened with. */
  | "capability"
  /** A rate, a quota or the limits of files. */
  | "limit"
  /** A circuit breaker is open. */
  | "breaker"
  /** What may run. */
  | "execution"
  /** Which hosts may be reached. */
  | "network"
  /** A system call that no profile grants. */
  | "surface"
  /** A policy beside the profile: Cedar, OPA or a remote decision point. */
  | "policy";

export type Reply =
  | { readonly ok: true; readonly value: ReplyValue }
  | {
      readonly ok: false;
      readonly code: FailureCode;
      readonly errno: string;
      readonly message: string;
      readonly denial?: Denial;
    };

/** `null` for plain success and for a descriptor (which travels beside the frame); with the descriptor of `begin` its number. */
export type ReplyValue =
  | null
  | Stat
  | readonly string[]
  | { readonly pid: number }
  | { readonly transaction: number };

export type FailureCode =
  | "DENIED"
  | "INVALID"
  | "PROTOCOL"
  | "LIMIT"
  | "BUSY"
  | "UNSUPPORTED"
  | "SETUP"
  | "NOT_FOUND"
  | "TIMEOUT"
  | "GONE"
  | "SYSTEM"
  | "INTERNAL";
