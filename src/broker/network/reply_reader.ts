import { ChunkedBody } from "./chunked_body.ts";
import { MAX_HEAD_BYTES, parseReadReply } from "./http_head.ts";

/** Turns the bytes of a reply into those for a program whose connection ends with it. */
export class ReplyReader {
  readonly #method: string;
  #held: Buffer | null = Buffer.alloc(0);
  #chunks: ChunkedBody | null = null;

  constructor(method: string) {
    this.#method = method;
  }

  /** Nothing more belongs to it. */
  get isDone(): boolean {
    return this.#chunks?.isDone === true;
  }

  /** It is whole when the connection ends here, as far as can be told. */
  get mayEnd(): boolean {
    return this.#held === null && this.#chunks?.isDone !== false;
  }

  /** Empty where more is needed. Throws for what is no reply. */
  take(chunk: Buffer): Buffer {
    if (this.#held === null) return this.#body(chunk);
    this.#held = Buffer.concat([this.#held, chunk]);
    for (;;) {
      const parsed = parseReadReply(this.#held, this.#method);
      if (parsed.kind === "wrong" || (parsed.kind === "more" && this.#held.length >= MAX_HEAD_BYTES))
        throw new Error("EPROTO");
      if (parsed.kind === "more") return Buffer.alloc(0);
      const rest: Buffer = this.#held.subarray(parsed.taken);
      this.#held = rest;
      // An interim reply says nothing that a program needs.
      if (parsed.value === null) continue;
      this.#held = null;
      if (parsed.value.body === "chunked") this.#chunks = new ChunkedBody();
      return Buffer.concat([parsed.value.head, this.#body(rest)]);
    }
  }

  #body(bytes: Buffer): Buffer {
    const content = this.#chunks === null ? bytes : this.#chunks.take(bytes);
    if (content === "wrong") throw new Error("EPROTO");
    return content;
  }
}
