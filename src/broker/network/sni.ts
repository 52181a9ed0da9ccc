import { hostName } from "../../policy/host_name.ts";
import type { NetworkRule } from "../../policy/network.ts";
import type { Shape } from "./splice.ts";

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
export const MAX_HELLO_BYTES: number = 64 * 1024;

export const SNI_RULE: NetworkRule = {
  id: "network.sni",
  reason: "the TLS handshake asks for another host than the connection, or for none",
  remedy: "",
};

/** Holds what a run sends until its first bytes can be judged. */
export function sniShape(host: string): Shape {
  const judge = judgeHello(host);
  let held: Buffer | null = NOTHING;
  return {
    get isPlain() {
      return held === null;
    },
    take(chunk) {
      if (held === null || chunk.length === 0) return chunk;
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const judged = judge(held);
      if (judged === "more" && held.length < MAX_HELLO_BYTES) return NOTHING;
      if (judged !== "pass") return "refuse";
      const whole = held;
      held = null;
      return whole;
    },
  };
}

const NOTHING = Buffer.alloc(0);

/**
 * Passes what is no TLS, and a ClientHello (RFC 8446) that names `host`. A server that serves many hosts would else be asked for
 * any of them. With Encrypted ClientHello the outer name is another one, and is refused.
 */
export function judgeHello(host: string): (bytes: Buffer) => "more" | "pass" | "refuse" {
  return (bytes) => {
    if (!isHandshake(bytes)) return "pass";
    const hello = handshakeOf(bytes);
    if (hello === "more" || hello === "wrong") return hello === "more" ? "more" : "refuse";
    const name = serverName(hello);
    return name !== null && hostName(name) === host ? "pass" : "refuse";
  };
}

/** Says whether it begins as TLS does. */
export function isHandshake(bytes: Buffer): boolean {
  return bytes[0] === HANDSHAKE;
}

/** The ClientHello in the first records: it may be cut into several. */
function handshakeOf(bytes: Buffer): Buffer | "more" | "wrong" {
  const parts: Buffer[] = [];
  let have = 0;
  for (let at = 0; ; ) {
    if (bytes.length < at + 5) return "more";
    if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3) return "wrong";
    const size = bytes.readUInt16BE(at + 3);
    if (size === 0 || size > 16384) return "wrong";
    if (bytes.length < at + 5 + size) return "more";
    parts.push(bytes.subarray(at + 5, at + 5 + size));
    have += size;
    at += 5 + size;
    const whole = Buffer.concat(parts, have);
    if (whole[0] !== CLIENT_HELLO) return "wrong";
    if (have < 4) continue;
    const wanted = 4 + whole.readUIntBE(1, 3);
    if (have >= wanted) return whole.subarray(4, wanted);
  }
}

/** The one host_name of the server_name extension (RFC 6066); null where it is missing, doubled or malformed. */
function serverName(hello: Buffer): string | null {
  const cursor = new Cursor(hello);
  cursor.skip(2 + 32);
  cursor.take(1);
  cursor.take(2);
  cursor.take(1);
  const extensions = new Cursor(cursor.take(2));
  let found: string | null = null;
  while (!extensions.failed && extensions.left > 0) {
    const type = extensions.number(2);
    const body = extensions.take(2);
    if (type !== SERVER_NAME) continue;
    if (found !== null) return null;
    const list = new Cursor(new Cursor(body).take(2));
    const kind = list.number(1);
    const name = list.take(2);
    if (list.failed || list.left > 0 || kind !== 0) return null;
    found = name.toString("latin1");
  }
  return cursor.failed || cursor.left > 0 || extensions.failed ? null : found;
}

/** Reads fields in order; once one goes past the end all that follow are empty and `failed` says so. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;
  failed = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(count: number): Buffer {
    if (this.left < count) this.failed = true;
    const found = this.failed ? Buffer.alloc(0) : this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += found.length;
    return found;
  }

  number(size: number): number {
    const bytes = this.skip(size);
    return this.failed ? 0 : bytes.readUIntBE(0, size);
  }

  /** A vector with its length in front. */
  take(lengthSize: number): Buffer {
    return this.skip(this.number(lengthSize));
  }
}
