import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { fromBase64url } from "./base64url.ts";
import { objectOf, textOf } from "./fields.ts";
import { MAX_TOKEN_BYTES } from "./limits.ts";
import { shown, TokenRefused } from "./refusal.ts";
import { type Json, type JsonObject, parseJson } from "./strict_json.ts";

/** A compact JWS (RFC 7515) by EdDSA (RFC 8037), whose signature has not been looked at yet. */
export type Jws = {
  /** The key that it says it was signed with; "" where it says none. */
  readonly kid: string;
  readonly signingInput: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
};

const SIGNATURE_BYTES = 64;
const EMBEDDED = ["jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256"];

/**
 * Takes a JWS apart. Its header must be alg, typ and perhaps kid: the algorithm is ours to say and not the token's, so that one that names
 * another is refused before any key is looked for. `field` names the token in a refusal.
 */
export function parseJws(text: string, typ: string, field: string): Jws {
  if (text.length > MAX_TOKEN_BYTES)
    throw new TokenRefused("too-large", field, `has ${text.length} bytes`, `keep it to ${MAX_TOKEN_BYTES}`);
  const parts = text.split(".", 4);
  if (parts.length !== 3)
    throw new TokenRefused("malformed", field, "does not have three parts", "take the token as it was made");
  const [head, body, end] = parts as [string, string, string];
  const kid = parseHeader(
    parseJson(fromBase64url(head, `${field}.header`), `${field}.header`),
    typ,
    `${field}.header`,
  );
  const payload = fromBase64url(body, `${field}.payload`);
  const signature = fromBase64url(end, `${field}.signature`);
  if (signature.length !== SIGNATURE_BYTES)
    throw new TokenRefused(
      "bad-signature",
      field,
      `has a signature of ${signature.length} bytes`,
      "take the token as it was made",
    );
  return { kid, signingInput: `${head}.${body}`, payload, signature };
}

/** Verifies, and only then reads the claims. */
export function openJws(jws: Jws, key: KeyObject, field: string): Json {
  checkSignature(Buffer.from(jws.signingInput), jws.signature, key, field);
  return parseJson(jws.payload, `${field}.payload`);
}

export function checkSignature(
  bytes: Uint8Array,
  signature: Uint8Array,
  key: KeyObject,
  field: string,
): void {
  if (!verify(null, bytes, key, signature))
    throw new TokenRefused(
      "bad-signature",
      field,
      "is not signed by that key",
      "ask whoever gave it for the token as it was made",
    );
}

export function signJws(typ: string, kid: string, payload: object, key: KeyObject): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signingInput = `${encode({ alg: "EdDSA", typ, kid })}.${encode(payload)}`;
  return `${signingInput}.${sign(null, Buffer.from(signingInput), key).toString("base64url")}`;
}

/** What a derived token says of its parent: SHA-256 of the signing input. */
export function hashOf(signingInput: string): string {
  return createHash("sha256").update(signingInput).digest("base64url");
}

function parseHeader(value: Json, typ: string, field: string): string {
  const header = value as JsonObject | null;
  if (typeof header !== "object" || header === null)
    throw new TokenRefused("malformed", field, "is no object", "take the token as it was made");
  const { alg } = header;
  if (alg !== "EdDSA") throw wrongAlgorithm(alg, `${field}.alg`);
  for (const key of Object.keys(header)) {
    const there = `${field}.${key.slice(0, 64)}`;
    if (EMBEDDED.includes(key))
      throw new TokenRefused("embedded-key", there, "brings its own key", "name a key of the issuer by kid");
    if (key === "crit")
      throw new TokenRefused("critical-header", there, "asks for what is not known here", "leave it out");
    if (!["alg", "typ", "kid"].includes(key))
      throw new TokenRefused("unknown-header", there, "is not known", "write alg, typ and kid alone");
  }
  objectOf(header, field, ["alg"], ["typ", "kid"]);
  if (header["typ"] !== typ)
    throw new TokenRefused("wrong-type", `${field}.typ`, `is ${shown(header["typ"])}`, `write ${shown(typ)}`);
  if (header["kid"] === undefined) return "";
  return textOf(
    header["kid"],
    `${field}.kid`,
    "1 to 128 characters",
    (kid) => kid.length > 0 && kid.length <= 128,
  );
}

function wrongAlgorithm(alg: Json | undefined, field: string): TokenRefused {
  const name = typeof alg === "string" ? alg.toUpperCase() : "";
  const remedy = "sign with EdDSA and an Ed25519 key";
  if (name === "NONE") return new TokenRefused("algorithm-none", field, `is ${shown(alg)}`, remedy);
  if (name.startsWith("HS"))
    return new TokenRefused("algorithm-symmetric", field, `is ${shown(alg)}`, remedy);
  return new TokenRefused("algorithm-unsupported", field, `is ${shown(alg)}`, remedy);
}
