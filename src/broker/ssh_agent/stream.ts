import { MAX_MESSAGE_BYTES } from "./message.ts";

const LENGTH_BYTES = 4;

/** Cuts a stream of bytes into messages. */
export class MessageStream {
  #pending: Buffer = Buffer.alloc(0);

  /** The messages that are whole by now; null for a length that no message has: the stream is of no use any more. */
  push(chunk: Uint8Array): readonly Uint8Array[] | null {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    const messages: Uint8Array[] = [];
    while (this.#pending.length >= LENGTH_BYTES) {
      const length = this.#pending.readUInt32BE();
      if (length === 0 || length > MAX_MESSAGE_BYTES) return null;
      const end = LENGTH_BYTES + length;
      if (this.#pending.length < end) break;
      messages.push(this.#pending.subarray(LENGTH_BYTES, end));
      this.#pending = this.#pending.subarray(end);
    }
    return messages;
  }
}
