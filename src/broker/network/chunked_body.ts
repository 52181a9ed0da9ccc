const MAX_LINE = 4096;

/** Takes the chunks of a body apart (RFC 9112, 7.1), so that what they hold is seen as one text. Extensions and trailers are dropped. */
export class ChunkedBody {
  #state: "size" | "data" | "data-end" | "trailer" | "done" = "size";
  #left = 0;
  #line = "";

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** What of the bytes is content; "wrong": they are no chunked body. What follows its end is dropped. */
  take(bytes: Buffer): Buffer | "wrong" {
    const content: Buffer[] = [];
    for (let at = 0; at < bytes.length && this.#state !== "done"; ) {
      if (this.#state === "data") {
        const part = bytes.subarray(at, at + this.#left);
        content.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = "data-end";
        continue;
      }
      this.#line += String.fromCharCode(bytes[at++]!);
      if (this.#line.length > MAX_LINE) return "wrong";
      if (this.#line.endsWith("\r\n") && !this.#readLine(this.#line.slice(0, -2))) return "wrong";
    }
    return content.length === 1 ? content[0]! : Buffer.concat(content);
  }

  #readLine(line: string): boolean {
    this.#line = "";
    if (this.#state === "data-end") {
      this.#state = "size";
      return line === "";
    }
    if (this.#state === "trailer") {
      if (line === "") this.#state = "done";
      return true;
    }
    const [, size] = /^([0-9a-fA-F]{1,13})[ \t]*(?:;.*)?$/.exec(line) ?? [];
    if (size === undefined) return false;
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailer" : "data";
    return true;
  }
}
