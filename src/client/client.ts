/**
 * `sallyport/client`: what an agent runtime links to ask its broker. It holds no authority; every call is judged, and a
 * refusal is a SallyportError with `code` "DENIED" whose `denial` carries the rule, the reason and the next steps.
 */
import { resolve } from "node:path";
import { SallyportError } from "../protocol/errors.ts";
import { type Follow, OPEN, type Stat } from "../protocol/message.ts";
import { Connection, openChannel } from "./connection.ts";
import { FileHandle } from "./file.ts";
import { Transaction } from "./transaction.ts";

export { type DenialJson, denialJson } from "../protocol/denial_json.ts";
export { SallyportError } from "../protocol/errors.ts";
export type { Denial, FailureCode, Stat } from "../protocol/message.ts";
export type { FileHandle } from "./file.ts";
export { attenuate, newHolderKey, proveHolder } from "./tokens.ts";
export type { Transaction } from "./transaction.ts";

export type Access = "read" | "write" | "read-write" | "append";
/** journaled: at once, step by step. transactional: as a whole, when it is committed. */
export type WritePolicy = "journaled" | "transactional";
export type OpenOptions = {
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

/** Connects to the broker of this run. Fails with GONE outside a run. */
export async function connect(): Promise<Client> {
  const connection = new Connection(openChannel());
  const { runId, profileName } = await connection.hello;
  return new Client(connection, runId, profileName);
}

/** A session with the broker. Relative paths are taken from the working directory of this process. */
export class Client {
  readonly #connection: Connection;
  readonly run: string;
  readonly profile: string;

  constructor(connection: Connection, run: string, profile: string) {
    this.#connection = connection;
    this.run = run;
    this.profile = profile;
  }

  async open(path: string, access: Access, options: OpenOptions = {}): Promise<FileHandle> {
    const create = CREATE[options.create ?? (access === "read" ? "never" : "if-missing")];
    const truncate = options.content === "truncate" ? OPEN.truncate : 0;
    const flags = ACCESS[access] | create | truncate;
    const answer = await this.#connection.ask({
      op: "open",
      path: resolve(path),
      flags,
      mode: options.mode ?? 0o666,
    });
    if (answer.fd < 0)
      throw new SallyportError("PROTOCOL", "The broker sent no descriptor", { errno: "EPROTO" });
    return new FileHandle(answer.fd);
  }

  async readFile(path: string): Promise<Buffer> {
    await using file = await this.open(path, "read");
    return await file.readFile();
  }

  async writeFile(
    path: string,
    data: Uint8Array | string,
    options: { readonly policy?: WritePolicy } = {},
  ): Promise<void> {
    if (options.policy === "transactional") {
      await using write = await this.begin(path);
      await write.file.write(data);
      await write.commit();
      return;
    }
    await using file = await this.open(path, "write", { content: "truncate" });
    await file.write(data);
  }

  /** Begins a write that nobody sees before `commit`. `mode`: permission bits of a new file, before the umask. */
  async begin(path: string, mode = 0o666): Promise<Transaction> {
    const target = resolve(path);
    const { value, fd } = await this.#connection.ask({ op: "begin", path: target, mode });
    if (fd < 0 || value === null || !("transaction" in value))
      throw new SallyportError("PROTOCOL", "The broker sent no descriptor", { errno: "EPROTO" });
    return new Transaction(this.#connection, target, value.transaction, new FileHandle(fd));
  }

  async appendFile(path: string, data: Uint8Array | string): Promise<void> {
    await using file = await this.open(path, "append");
    await file.write(data);
  }

  async stat(path: string, follow: Follow = "follow"): Promise<Stat> {
    const { value } = await this.#connection.ask({ op: "stat", path: resolve(path), follow });
    return value as Stat;
  }

  async list(path: string): Promise<readonly string[]> {
    const { value } = await this.#connection.ask({ op: "list", path: resolve(path) });
    return value as readonly string[];
  }

  async mkdir(path: string, mode = 0o777): Promise<void> {
    await this.#connection.ask({ op: "mkdir", path: resolve(path), mode });
  }

  async unlink(path: string): Promise<void> {
    await this.#connection.ask({ op: "unlink", path: resolve(path), kind: "file" });
  }

  async rmdir(path: string): Promise<void> {
    await this.#connection.ask({ op: "unlink", path: resolve(path), kind: "directory" });
  }

  async rename(
    from: string,
    to: string,
    existing: "replace" | "refuse" | "exchange" = "replace",
  ): Promise<void> {
    await this.#connection.ask({ op: "rename", from: resolve(from), to: resolve(to), existing });
  }

  async link(from: string, to: string): Promise<void> {
    await this.#connection.ask({ op: "link", from: resolve(from), to: resolve(to), follow: "nofollow" });
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.#connection.ask({ op: "symlink", target, path: resolve(path) });
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.#connection.ask({ op: "chmod", path: resolve(path), mode, follow: "follow" });
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    await this.#connection.ask({ op: "chown", path: resolve(path), uid, gid, follow: "follow" });
  }

  /** Times in nanoseconds since the epoch. */
  async utimens(
    path: string,
    accessed: bigint | "now" | "keep",
    modified: bigint | "now" | "keep",
  ): Promise<void> {
    await this.#connection.ask({ op: "utimens", path: resolve(path), accessed, modified, follow: "follow" });
  }

  async truncate(path: string, sizeBytes: number): Promise<void> {
    await this.#connection.ask({ op: "truncate", path: resolve(path), sizeBytes });
  }

  async setxattr(path: string, name: string, value: Uint8Array): Promise<void> {
    await this.#connection.ask({
      op: "setxattr",
      path: resolve(path),
      name,
      value,
      existing: "any",
      follow: "follow",
    });
  }

  async removexattr(path: string, name: string): Promise<void> {
    await this.#connection.ask({ op: "removexattr", path: resolve(path), name, follow: "follow" });
  }

  /** Starts a program in this run, with the run's output streams and no input; gives its process id. */
  async exec(
    path: string,
    argv: readonly string[] = [path],
    options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
  ): Promise<{ pid: number }> {
    const env = Object.entries(options.env ?? process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`],
    );
    const cwd = resolve(options.cwd ?? ".");
    const { value } = await this.#connection.ask({ op: "exec", path: resolve(path), argv, env, cwd });
    return value as { pid: number };
  }

  /** Connects to a granted host; the descriptor of a stream socket is the caller's. */
  async connect(host: string, port: number): Promise<number> {
    const { fd } = await this.#connection.ask({ op: "connect", host, port });
    if (fd < 0) throw new SallyportError("PROTOCOL", "The broker sent no descriptor", { errno: "EPROTO" });
    return fd;
  }

  /** Listens at a port that `--listen` grants; the descriptor of a listening socket is the caller's. */
  async bind(port: number): Promise<number> {
    const { fd } = await this.#connection.ask({ op: "bind", port });
    if (fd < 0) throw new SallyportError("PROTOCOL", "The broker sent no descriptor", { errno: "EPROTO" });
    return fd;
  }

  /** The addresses that stand for a granted name inside the run. */
  async resolve(host: string): Promise<readonly string[]> {
    const { value } = await this.#connection.ask({ op: "resolve", host });
    return value as readonly string[];
  }

  /** Signals a process of this run, by the number of the signal; 0 only asks whether it is there. */
  async kill(pid: number, signal: number): Promise<void> {
    await this.#connection.ask({ op: "kill", pid, signal });
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
