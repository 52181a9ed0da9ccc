import type { NativeBinding } from "../platform/binding.ts";
import { SallyportError } from "../protocol/errors.ts";
import { OPEN, type WireRequest } from "../protocol/message.ts";
import { openChannel } from "./channel.ts";
import { type Answer, Connection, type Hello } from "./connection.ts";

export type Asked = { readonly descriptors?: readonly number[]; readonly signal?: AbortSignal | undefined };

/**
 * A connection that is made again when it is lost. What was under way then is asked once more only where asking twice does what
 * asking once does; everything else rejects, and its error says `outcome: "unknown"`.
 */
export class Link {
  readonly #binding: NativeBinding;
  #connection: Connection;
  #closed = false;

  /** Rejects with GONE outside a run. */
  static async open(binding: NativeBinding): Promise<{ link: Link; hello: Hello }> {
    const connection = new Connection(binding, openChannel(binding));
    const hello = await connection.hello;
    return { link: new Link(binding, connection), hello };
  }

  private constructor(binding: NativeBinding, connection: Connection) {
    this.#binding = binding;
    this.#connection = connection;
  }

  get binding(): NativeBinding {
    return this.#binding;
  }

  async ask(request: WireRequest, { descriptors = [], signal }: Asked = {}): Promise<Answer> {
    if (this.#closed) throw new SallyportError("GONE", "The client is closed", { outcome: "none" });
    const connection = this.#current();
    try {
      return await connection.ask(request, descriptors, signal);
    } catch (error) {
      // A refusal that the broker sent leaves the connection as it is.
      if (!(error instanceof SallyportError) || !connection.isClosed || this.#closed) throw error;
      // It was lost before anything was sent, or asking again changes nothing.
      if (error.outcome !== "none" && !isIdempotent(request)) throw error;
      return await this.#current().ask(request, descriptors, signal);
    }
  }

  /** Everything that waits rejects with GONE. */
  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  #current(): Connection {
    if (this.#connection.isClosed)
      this.#connection = new Connection(this.#binding, openChannel(this.#binding));
    return this.#connection;
  }
}

const REPEATABLE: readonly string[] = ["stat", "list", "resolve", "read-cells"];

/** stat, list, resolve, and an open that can only read. */
export function isIdempotent(request: WireRequest): boolean {
  if (REPEATABLE.includes(request.op)) return true;
  const looks = OPEN.read | OPEN.directory | OPEN.nofollow | OPEN.nonblock | OPEN.noatime | OPEN.direct;
  return request.op === "open" && (request.flags & ~looks) === 0;
}
