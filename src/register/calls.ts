import { openChannel } from "../client/channel.ts";
import { type Answer, failureOf } from "../client/connection.ts";
import { isIdempotent, Link } from "../client/link.ts";
import type { NativeBinding } from "../platform/binding.ts";
import { errnoName } from "../platform/errno.ts";
import { decode, encodeHello, encodeRequest } from "../protocol/codec.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { WireRequest } from "../protocol/message.ts";
import { parseReply } from "../protocol/parse_reply.ts";

/** What a call comes to: requests one after the other, each with its answer, and a result. A failure is thrown into it. */
export type Steps<T> = Generator<WireRequest, T, Answer>;

/** As long as a system call may take. */
const FOR_EVER_MS = 0x7fff_ffff;

/** Asks the broker for one thread: at once, which waits, or later, which does not. */
export class Calls {
  readonly #binding: NativeBinding;
  #channel = -1;
  #nextId = 1;
  #link: Promise<Link> | null = null;

  constructor(binding: NativeBinding) {
    this.#binding = binding;
  }

  get binding(): NativeBinding {
    return this.#binding;
  }

  /** Throws SallyportError. */
  now<T>(steps: Steps<T>): T {
    let step = steps.next();
    while (!step.done) {
      let answer: Answer;
      try {
        answer = this.ask(step.value);
      } catch (error) {
        step = steps.throw(error);
        continue;
      }
      step = steps.next(answer);
    }
    return step.value;
  }

  /** Rejects with SallyportError. */
  async later<T>(steps: Steps<T>): Promise<T> {
    this.#link ??= Link.open(this.#binding).then(({ link }) => link);
    // A broker that could not be reached is looked for again by the next call.
    this.#link.catch(() => {
      this.#link = null;
    });
    const link = await this.#link;
    let step = steps.next();
    while (!step.done) {
      let answer: Answer;
      try {
        answer = await link.ask(step.value);
      } catch (error) {
        step = steps.throw(error);
        continue;
      }
      step = steps.next(answer);
    }
    return step.value;
  }

  /** One request, with descriptors that stay the caller's; waits. A lost channel is opened again as the client library does it. */
  ask(request: WireRequest, descriptors: readonly number[] = []): Answer {
    const wasOpen = this.#channel >= 0;
    try {
      return this.#exchange(request, descriptors);
    } catch (error) {
      const isLost = error instanceof SallyportError && (error.code === "GONE" || error.code === "PROTOCOL");
      if (!isLost) throw error;
      if (this.#channel >= 0) this.#binding.closeFd(this.#channel);
      this.#channel = -1;
      if (!wasOpen || (error.outcome === "unknown" && !isIdempotent(request))) throw error;
      return this.#exchange(request, descriptors);
    }
  }

  #exchange(request: WireRequest, descriptors: readonly number[]): Answer {
    if (this.#channel < 0) {
      this.#channel = openChannel(this.#binding);
      this.#send(encodeHello(), []);
      this.#receive();
    }
    const id = this.#nextId;
    this.#nextId = id === 0xffff_ffff ? 1 : id + 1;
    this.#send(encodeRequest(id, request), descriptors);
    const [bytes, [fd = -1]] = this.#receive();
    const numbered = parseReply(decode(bytes));
    if (numbered.id !== id)
      throw new SallyportError("PROTOCOL", `Unexpected reply ${numbered.id}`, { outcome: "unknown" });
    if (numbered.reply.ok) return { value: numbered.reply.value, fd };
    throw failureOf(numbered.reply);
  }

  #send(bytes: Uint8Array, descriptors: readonly number[]): void {
    const sent = this.#binding.messageSend(this.#channel, bytes, descriptors, FOR_EVER_MS);
    if (sent < 0)
      throw new SallyportError("GONE", `Cannot send to the broker: ${errnoName(-sent)}`, { outcome: "none" });
  }

  #receive(): [Uint8Array, number[]] {
    const received = this.#binding.messageReceive(this.#channel, FOR_EVER_MS);
    if (typeof received !== "number") return received;
    throw new SallyportError("GONE", `The broker is gone: ${errnoName(-received)}`, { outcome: "unknown" });
  }
}
