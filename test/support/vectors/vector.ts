import type { Reply, WireRequest } from "../../../src/protocol/message.ts";

/** What a reader of the wire must make of one frame. */
export type Verdict =
  | { readonly verdict: "accepted" }
  /** A frame that is no message of its kind. `field` as the parser of a request names it. */
  | { readonly verdict: "INVALID"; readonly field: string }
  /** Bytes that are no frame, or another version. */
  | { readonly verdict: "PROTOCOL" };

export type Vector = Verdict & {
  /** Also the name of the file: test/vectors/NAME.msgpack. */
  readonly name: string;
  readonly kind: "hello" | "hello-reply" | "request" | "reply";
  readonly meaning: string;
  /** "canonical": what every writer must write for the message. "other": a reader must take it, no writer makes it. */
  readonly encoding: "canonical" | "other" | "hostile";
  readonly bytes: Uint8Array;
  /** Of an accepted request or reply. */
  readonly id?: number;
  readonly message?: WireRequest | Reply;
};

export const accepted = { verdict: "accepted" } as const;
export const protocol = { verdict: "PROTOCOL" } as const;
export const invalid = (field: string): Verdict => ({ verdict: "INVALID", field });

/** The line of test/vectors/index.json: times as decimal nanoseconds, binary as hex. */
export function indexLine(vector: Vector): string {
  const { bytes, ...rest } = vector;
  const plain = (_key: string, value: unknown): unknown => {
    if (typeof value === "bigint") return String(value);
    if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
    return value;
  };
  return JSON.stringify({ ...rest, bytes: bytes.length }, plain);
}

export const raw = (...parts: readonly (number | string | Uint8Array)[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === "number"
        ? Uint8Array.of(part)
        : typeof part === "string"
          ? Buffer.from(part, "utf8")
          : part,
    ),
  );
/** A short text as it goes over the wire. */
export const fixstr = (text: string): Uint8Array => raw(0xa0 | Buffer.byteLength(text), text);
