/**
 * `sallyport/client`: what an agent runtime links to ask its broker. It holds no authority; every call is judged, and a
 * refusal is a SallyportError with `code` "DENIED" whose `denial` carries the rule, the reason and the next steps.
 *
 * Nothing native is loaded before `connect()`: errors, denials and the reading of frames are plain TypeScript. The addon is
 * needed for what Node has no call for: messages on a SOCK_SEQPACKET socket, and the descriptors that travel with them.
 */

import type { ReadStream, WriteStream } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import { resolve } from "node:path";
import { SallyportError } from "../protocol/errors.ts";
import { type Follow, OPEN, type Stat, type WireRequest } from "../protocol/message.ts";
import type { Answer } from "./connection.ts";
import { FileHandle, type ReadStreamOptions, type WriteStreamOptions } from "./file.ts";
import { Link } from "./link.ts";
import { type Program, startProgram } from "./program.ts";
import { Transaction } from "./transaction.ts";

export { type DenialJson, denialJson } from "../protocol/denial_json.ts";
export { type Outcome, SallyportError } from "../protocol/errors.ts";
export type { Denial, FailureCode, Stat } from "../protocol/message.ts";
export type { FileHandle, ReadStreamOptions, WriteStreamOptions } from "./file.ts";
export type { Program, ProgramEnd } from "./program.ts";
export type { Transaction } from "./transaction.ts";

/** `signal` rejects the call with its reason; what was sent by then may still be done. */
export type CallOptions = { readonly signal?: AbortSignal | undefined };

export type Access = "read" | "write" | "read-write" | "append";
/** journaled: at once, step by step. transactional: as a whole, when it is committed. */
export type WritePolicy = "journaled" | "transactional";
export type OpenOptions = CallOptions & {
  /** Default: "never" for reading, "if-missing" else. */
  readonly create?: "never" | "if-missing" | "exclusive";
  /** Default "keep". */
  readonly content?: "keep" | "truncate";
  /** Permission bits of a new file, before the umask. Default 0o666. */
  readonly mode?: number;
};

const ACCESS: Readonly<Record<Access, number>> = {
  read: OPEN.read,
  write: OPEN.write,
  "read-write": OPEN.read | OPEN.write,
  append: OPEN.write | OPEN.append,
};
const CREATE = { never: 0, "if-missing": OPEN.create, exclusive: OPEN.create | OPEN.exclusive } as const;

export type ExecOptions = CallOptions & {
  /** Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
};

/** Connects to the broker of this run. Rejects with GONE outside a run. */
export async function connect(): Promise<Client> {
  const { binding } = await import("../platform/binding.ts");
  const { link, hello } = await Link.open(binding);
  return new Client(link, hello.runId, hello.profileName);
}

/**
 * A session with the broker. Relative paths are taken from the working directory of this process. A lost connection is made again:
 * stat, list, resolve and an open for reading are asked once more; anything else that was under way rejects with `outcome: "unknown"`.
 */
export class Client {
  readonly #link: Link;
  readonly run: string;
  readonly profile: string;

  constructor(link: Link, run: string, profile: string) {
    this.#link = link;
    this.run = run;
    this.profile = profile;
  }

  async open(path: string, access: Access, options: OpenOptions = {}): Promise<FileHandle> {
    const create = CREATE[options.create ?? (access === "read" ? "never" : "if-missing")];
    const truncate = options.content === "truncate" ? OPEN.truncate : 0;
    const flags = ACCESS[access] | create | truncate;
    const mode = options.mode ?? 0o666;
    return new FileHandle(await this.#descriptor({ op: "open", path: resolve(path), flags, mode }, options));
  }

  /** The stream owns the file and closes it. */
  async createReadStream(path: string, options: ReadStreamOptions = {}): Promise<ReadStream> {
    return (await this.open(path, "read", { signal: options.signal })).createReadStream(options);
  }

  /** The stream owns the file and closes it. Without `startBytes` what was in the file is gone. */
  async createWriteStream(path: string, options: WriteStreamOptions = {}): Promise<WriteStream> {
    const content = options.startBytes === undefined ? "truncate" : "keep";
    const file = await this.open(path, "write", { content, signal: options.signal });
    return file.createWriteStream(options);
  }

  async readFile(path: string, options: CallOptions = {}): Promise<Buffer> {
    await using file = await this.open(path, "read", options);
    return await file.readFile();
  }

  async writeFile(
    path: string,
    data: Uint8Array | string,
    options: CallOptions & { readonly policy?: WritePolicy } = {},
  ): Promise<void> {
    if (options.policy === "transactional") {
      await using write = await this.begin(path, 0o666, options);
      await write.file.write(data);
      await write.commit(options.signal);
      return;
    }
    await using file = await this.open(path, "write", { content: "truncate", signal: options.signal });
    await file.write(data);
  }

  /** Begins a write that nobody sees before `commit`. `mode`: permission bits of a new file, before the umask. */
  async begin(path: string, mode = 0o666, options: CallOptions = {}): Promise<Transaction> {
    const target = resolve(path);
    const { value, fd } = await this.#ask({ op: "begin", path: target, mode }, options);
    if (fd < 0 || value === null || !("transaction" in value)) throw withoutDescriptor();
    return new Transaction(this.#link, target, value.transaction, new FileHandle(fd));
  }

  async appendFile(path: string, data: Uint8Array | string, options: CallOptions = {}): Promise<void> {
    await using file = await this.open(path, "append", options);
    await file.write(data);
  }

  async stat(path: string, follow: Follow = "follow", options: CallOptions = {}): Promise<Stat> {
    const { value } = await this.#ask({ op: "stat", path: resolve(path), follow }, options);
    return value as Stat;
  }

  async list(path: string, options: CallOptions = {}): Promise<readonly string[]> {
    const { value } = await this.#ask({ op: "list", path: resolve(path) }, options);
    return value as readonly string[];
  }

  async mkdir(path: string, mode = 0o777, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "mkdir", path: resolve(path), mode }, options);
  }

  async mkfifo(path: string, mode = 0o666, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "mknod", path: resolve(path), kind: "fifo", mode }, options);
  }

  async unlink(path: string, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "unlink", path: resolve(path), kind: "file" }, options);
  }

  async rmdir(path: string, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "unlink", path: resolve(path), kind: "directory" }, options);
  }

  async rename(
    from: string,
    to: string,
    existing: "replace" | "refuse" | "exchange" = "replace",
    options: CallOptions = {},
  ): Promise<void> {
    await this.#ask({ op: "rename", from: resolve(from), to: resolve(to), existing }, options);
  }

  async link(from: string, to: string, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "link", from: resolve(from), to: resolve(to), follow: "nofollow" }, options);
  }

  async symlink(target: string, path: string, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "symlink", target, path: resolve(path) }, options);
  }

  async chmod(path: string, mode: number, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "chmod", path: resolve(path), mode, follow: "follow" }, options);
  }

  async chown(path: string, uid: number, gid: number, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "chown", path: resolve(path), uid, gid, follow: "follow" }, options);
  }

  /** Times in nanoseconds since the epoch. */
  async utimens(
    path: string,
    accessed: bigint | "now" | "keep",
    modified: bigint | "now" | "keep",
    options: CallOptions = {},
  ): Promise<void> {
    await this.#ask({ op: "utimens", path: resolve(path), accessed, modified, follow: "follow" }, options);
  }

  async truncate(path: string, sizeBytes: number, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "truncate", path: resolve(path), sizeBytes }, options);
  }

  async setxattr(path: string, name: string, value: Uint8Array, options: CallOptions = {}): Promise<void> {
    await this.#ask(
      { op: "setxattr", path: resolve(path), name, value, existing: "any", follow: "follow" },
      options,
    );
  }

  async removexattr(path: string, name: string, options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "removexattr", path: resolve(path), name, follow: "follow" }, options);
  }

  /** Starts a program in this run, with the run's output streams and no input; gives its process id. */
  async exec(
    path: string,
    argv: readonly string[] = [path],
    options: ExecOptions = {},
  ): Promise<{ pid: number }> {
    const { value } = await this.#ask(execRequest(path, argv, options), options);
    return value as { pid: number };
  }

  /** Starts a program in this run, joined to us by pipes, and says how it ends. */
  spawn(path: string, argv: readonly string[] = [path], options: ExecOptions = {}): Promise<Program> {
    return startProgram(this.#link, execRequest(path, argv, options), options.signal);
  }

  /** A connection to a granted host. */
  async connect(host: string, port: number, options: CallOptions = {}): Promise<Socket> {
    return new Socket({ fd: await this.#descriptor({ op: "connect", host, port }, options) });
  }

  /** Listens at a port that `--listen` grants; gives the descriptor for `server.listen({ fd })`. */
  bind(port: number, options: CallOptions = {}): Promise<number> {
    return this.#descriptor({ op: "bind", port }, options);
  }

  /** The addresses that stand for a granted name inside the run. */
  async resolve(host: string, options: CallOptions = {}): Promise<readonly string[]> {
    const { value } = await this.#ask({ op: "resolve", host }, options);
    return value as readonly string[];
  }

  /** Signals a process of this run; 0 only asks whether it is there. */
  async kill(pid: number, signal: NodeJS.Signals | 0 = "SIGTERM", options: CallOptions = {}): Promise<void> {
    await this.#ask({ op: "kill", pid, signal: signal === 0 ? 0 : constants.signals[signal] }, options);
  }

  /** Whatever waits rejects with GONE. */
  close(): void {
    this.#link.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #ask(request: WireRequest, { signal }: CallOptions): Promise<Answer> {
    return this.#link.ask(request, { signal });
  }

  async #descriptor(request: WireRequest, options: CallOptions): Promise<number> {
    const { fd } = await this.#ask(request, options);
    if (fd < 0) throw withoutDescriptor();
    return fd;
  }
}

function withoutDescriptor(): SallyportError {
  return new SallyportError("PROTOCOL", "The broker sent no descriptor", { outcome: "unknown" });
}

function execRequest(path: string, argv: readonly string[], { env, cwd }: ExecOptions) {
  const variables = Object.entries(env ?? process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  return { op: "exec", path: resolve(path), argv, env: variables, cwd: resolve(cwd ?? ".") } as const;
}
