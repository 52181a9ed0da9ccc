import { once } from "node:events";
import { Socket } from "node:net";
import { connect, type SecureContext, type TLSSocket } from "node:tls";
import type { Stream } from "../../platform/stream.ts";
import type { BodyFraming } from "./body_framing.ts";
import { answer } from "./http_answer.ts";
import type { Relay } from "./relay.ts";
import { ReplyReader } from "./reply_reader.ts";
import { ReplyScan } from "./reply_scan.ts";
import type { Spliced, SpliceEnd, Splicing } from "./splice.ts";
import type { Inside } from "./tls_inside.ts";

const HANDSHAKE_MS = 20_000;
const IDLE_MS = 15 * 60_000;
const CHUNK_BYTES = 64 * 1024;

export type OverTls = {
  /** Whose certificate it must be. */
  readonly host: string;
  /** What its certificate must lead to; TLS 1.2 at least. */
  readonly trust: SecureContext;
  readonly head: () => Buffer;
  readonly method: string;
  /** Ends the body of the request; what follows goes nowhere. */
  readonly framing: BodyFraming;
  /** Of the body, read already. */
  readonly first: Buffer;
  /** Ends the reply where it is found. */
  readonly secret: Buffer | null;
  readonly relay: Relay;
};

/** Carries one request to its host over TLS and the reply back, and closes both. Takes `outside`; never rejects. */
export function carryOverTls(inside: Inside, outside: Stream, of: OverTls): Splicing {
  const carrying = new Carrying(inside, outside, of);
  return { done: carrying.done, cancel: () => carrying.finish("failed", "ECANCELED") };
}

class Carrying {
  readonly done: Promise<Spliced>;
  readonly #inside: Inside;
  readonly #of: OverTls;
  readonly #tls: TLSSocket;
  #settle: (spliced: Spliced) => void = () => {};
  #settled = false;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(inside: Inside, outside: Stream, of: OverTls) {
    this.#inside = inside;
    this.#of = of;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const socket = new Socket({ fd: outside.release(), readable: true, writable: true });
    this.#tls = connect({
      socket,
      host: of.host,
      servername: of.host,
      secureContext: of.trust,
      ALPNProtocols: ["http/1.1"],
      // Said here, since a variable of the environment could turn the default off.
      rejectUnauthorized: true,
    });
    // Errors reject whoever waits for something of it; nobody may be waiting.
    this.#tls.on("error", () => {});
    this.#tls.setTimeout(IDLE_MS, () => this.finish("idle"));
    void this.#run();
  }

  finish(end: SpliceEnd, errno?: string): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#tls.destroy();
    this.#inside.close(end === "done" ? "plain" : "reset");
    this.#settle({
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      end,
      ...(errno === undefined ? {} : { errno }),
    });
  }

  async #run(): Promise<void> {
    const limit = setTimeout(() => this.#tls.destroy(new Error("ETIMEDOUT")), HANDSHAKE_MS);
    try {
      await once(this.#tls, "secureConnect");
    } catch (error) {
      const { code = "EPROTO" } = error as NodeJS.ErrnoException;
      await answer(this.#inside, "502 Bad Gateway", `sallyport: TLS with ${this.#of.host}: ${code}\n`);
      this.finish("failed", "EPROTO");
      return;
    } finally {
      clearTimeout(limit);
    }
    this.#sendRequest().catch(() => this.finish("failed"));
    try {
      this.finish((await this.#passReply()) ? "done" : "refused");
    } catch {
      this.finish("failed");
    }
  }

  async #sendRequest(): Promise<void> {
    const { framing, first } = this.#of;
    await this.#send(this.#of.head());
    for (let chunk = first; ; chunk = await this.#inside.read()) {
      const count = framing.take(chunk);
      if (count < 0) return this.finish("failed", "EPROTO");
      if (count > 0) await this.#send(chunk.subarray(0, count));
      // The rest is another request; it is read so that an end is seen.
      if (chunk.length === 0 && chunk !== first) return;
    }
  }

  async #send(bytes: Buffer): Promise<void> {
    await this.#of.relay.pay(bytes.length);
    this.#bytesUp += bytes.length;
    if (!this.#tls.write(bytes)) await once(this.#tls, "drain");
  }

  /** false: the secret was in it. */
  async #passReply(): Promise<boolean> {
    const read = new ReplyReader(this.#of.method);
    const scan = new ReplyScan(this.#of.secret);
    for await (const chunk of this.#tls as AsyncIterable<Buffer>) {
      const passed = scan.take(read.take(chunk));
      if (passed === "found") return false;
      await this.#pass(passed);
      if (read.isDone) break;
    }
    if (!read.mayEnd) throw new Error("EPROTO");
    await this.#pass(scan.rest());
    this.#inside.end();
    return true;
  }

  async #pass(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const part = bytes.subarray(at, at + CHUNK_BYTES);
      await this.#of.relay.pay(part.length);
      await this.#inside.write(part);
      this.#bytesDown += part.length;
    }
  }
}
