/**
 * Messages of the ssh-agent protocol (draft-ietf-sshm-ssh-agent): a length, a type, and what the type says. Bytes come from the run
 * and from the agent; whatever is not exactly a message is none.
 */
import { createHash } from "node:crypto";

export const FAILURE: Uint8Array = Uint8Array.of(5);
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
/** OpenSSH's own limit (authfd.h). */
export const MAX_MESSAGE_BYTES = 262_144;
const MAX_IDENTITIES = 2048;

export type Identity = { readonly blob: Uint8Array; readonly comment: Uint8Array };
export type AgentRequest =
  | { readonly kind: "identities" }
  | {
      readonly kind: "sign";
      readonly blob: Uint8Array;
      readonly data: Uint8Array;
      readonly flags: number;
    }
  /** Adding, removing and locking keys, extensions, smart cards. */
  | { readonly kind: "other"; readonly type: number }
  | { readonly kind: "malformed" };

export function parseAgentRequest(message: Uint8Array): AgentRequest {
  const type = message[0];
  if (type === undefined) return { kind: "malformed" };
  if (type === REQUEST_IDENTITIES) return { kind: message.length === 1 ? "identities" : "malformed" };
  if (type !== SIGN_REQUEST) return { kind: "other", type };
  const reader = new Reader(message, 1);
  const blob = reader.text();
  const data = reader.text();
  const flags = reader.number();
  if (blob === null || data === null || flags === null || !reader.isAtEnd()) return { kind: "malformed" };
  return { kind: "sign", blob, data, flags };
}

/** The keys of an agent's answer, or null when it is none. */
export function parseIdentities(message: Uint8Array): readonly Identity[] | null {
  const reader = new Reader(message, 1);
  const count = message[0] === IDENTITIES_ANSWER ? reader.number() : null;
  if (count === null || count > MAX_IDENTITIES) return null;
  const identities: Identity[] = [];
  for (let at = 0; at < count; at++) {
    const blob = reader.text();
    const comment = reader.text();
    if (blob === null || comment === null) return null;
    identities.push({ blob, comment });
  }
  return reader.isAtEnd() ? identities : null;
}

/** Says whether it is a signature and nothing else. */
export function isSignature(message: Uint8Array): boolean {
  const reader = new Reader(message, 1);
  return message[0] === SIGN_RESPONSE && reader.text() !== null && reader.isAtEnd();
}

export function identitiesRequest(): Uint8Array {
  return Uint8Array.of(REQUEST_IDENTITIES);
}

export function identitiesAnswer(identities: readonly Identity[]): Uint8Array {
  const parts = identities.flatMap(({ blob, comment }) => [text(blob), text(comment)]);
  return Buffer.concat([Uint8Array.of(IDENTITIES_ANSWER), number(identities.length), ...parts]);
}

export function signRequest(blob: Uint8Array, data: Uint8Array, flags: number): Uint8Array {
  return Buffer.concat([Uint8Array.of(SIGN_REQUEST), text(blob), text(data), number(flags)]);
}

/** With its length in front, as it travels. */
export function framed(message: Uint8Array): Uint8Array {
  return text(message);
}

/** What `ssh-add -l` shows of a key. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** What a signature would be good for; the signed bytes themselves say so, and start differently. */
export type Purpose =
  /** Of a file or a commit, in the namespace that its verifier demands (PROTOCOL.sshsig). */
  | { readonly kind: "signature"; readonly detail: string }
  /** A login as this user, on whatever host the session belongs to (RFC 4252, section 7). */
  | { readonly kind: "login"; readonly detail: string };

const SSHSIG = Buffer.from("SSHSIG");
const USERAUTH_REQUEST = 50;
const MAX_SESSION_ID_BYTES = 64;

/** null: neither, or not exactly. */
export function purposeOf(data: Uint8Array): Purpose | null {
  if (SSHSIG.equals(data.subarray(0, SSHSIG.length))) {
    const reader = new Reader(data, SSHSIG.length);
    const namespace = reader.text();
    const rest = [reader.text(), reader.text(), reader.text()];
    if (namespace === null || namespace.length === 0 || rest.includes(null) || !reader.isAtEnd()) return null;
    return { kind: "signature", detail: shown(namespace) };
  }
  const reader = new Reader(data, 0);
  const session = reader.text();
  if (session === null || session.length === 0 || session.length > MAX_SESSION_ID_BYTES) return null;
  if (reader.byte() !== USERAUTH_REQUEST) return null;
  const user = reader.text();
  const service = reader.text();
  const method = reader.text();
  if (user === null || service === null || method === null) return null;
  const isLogin = shown(service) === "ssh-connection" && shown(method).startsWith("publickey");
  return isLogin ? { kind: "login", detail: shown(user) } : null;
}

function shown(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

function number(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([number(bytes.length), bytes]);
}

/** Takes fields off the front; null, then and for ever, when there are not enough bytes. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number | null {
    return this.#take(1)?.[0] ?? null;
  }

  number(): number | null {
    const bytes = this.#take(4);
    return bytes === null ? null : Buffer.from(bytes).readUInt32BE();
  }

  text(): Uint8Array | null {
    const length = this.number();
    return length === null ? null : this.#take(length);
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  #take(count: number): Uint8Array | null {
    const end = this.#at + count;
    if (end > this.#bytes.length) {
      this.#at = Number.POSITIVE_INFINITY;
      return null;
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
