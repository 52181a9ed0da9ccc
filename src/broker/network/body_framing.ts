/** Where a request body ends in a stream of bytes. A chunked one is read as RFC 9112, 7.1 writes it, without trailers. */
export class BodyFraming {
  #left: number;
  #state: "data" | "size" | "data-end" | "last" | "done" | "wrong";
  #line = "";
  readonly #chunked: boolean;

  constructor(body: number | "chunked") {
    this.#chunked = body === "chunked";
    this.#left = body === "chunked" ? 0 : body;
    this.#state = body === "chunked" ? "size" : body === 0 ? "done" : "data";
  }

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** How many of the bytes belong to the body; -1 where they are no body. */
  take(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && this.#state !== "done") {
      if (this.#state === "data") {
        const count = Math.min(this.#left, bytes.length - at);
        at += count;
        this.#left -= count;
        if (this.#left === 0) this.#state = this.#chunked ? "data-end" : "done";
      } else {
        this.#line += String.fromCharCode(bytes[at++]!);
        if (this.#line.endsWith("\r\n")) this.#readLine(this.#line.slice(0, -2));
        // A chunk extension has no use here, and no limit.
        else if (this.#line.length > 18) this.#state = "wrong";
      }
      if (this.#state === "wrong") return -1;
    }
    return at;
  }

  #readLine(line: string): void {
    this.#line = "";
    if (this.#state === "size") {
      this.#left = /^[0-9a-fA-F]{1,8}$/.test(line) ? Number.parseInt(line, 16) : -1;
      this.#state = this.#left < 0 ? "wrong" : this.#left === 0 ? "last" : "data";
    } else if (line === "") {
      this.#state = this.#state === "last" ? "done" : "size";
    } else {
      this.#state = "wrong";
    }
  }
}
