import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { SallyportError } from "../protocol/errors.ts";
import { fromBase64url } from "./base64url.ts";
import { objectOf, textOf, wordOf } from "./fields.ts";
import { TokenRefused } from "./refusal.ts";
import type { Json } from "./strict_json.ts";

/** An Ed25519 key as RFC 8037 writes it. */
export type PublicJwk = { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };
export type PrivateJwk = PublicJwk & { readonly d: string };

const KEY_BYTES = 32;
/** Keys that are kept as objects: making one from a JWK takes 5 µs, from DER 72 µs. */
const MAX_KEPT = 1024;
const kept = new Map<string, KeyObject>();

/**
 * The encodings of points of small order, with the sign bit cleared (RFC 7748, section 7, and their forms that are not reduced):
 * under such a key a signature can be made by anybody.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** Reads the public key of a token. One with "d" is refused by a reason of its own: whoever wrote it has given a secret away. */
export function parsePublicJwk(value: Json | undefined, field: string): PublicJwk {
  if (typeof value === "object" && value !== null && "d" in value)
    throw new TokenRefused(
      "private-key",
      `${field}.d`,
      "is the private half of a key",
      "make a new key, and write kty, crv and x alone",
    );
  const jwk = objectOf(value, field, ["kty", "crv", "x"]);
  wordOf(jwk["kty"], `${field}.kty`, ["OKP"]);
  wordOf(jwk["crv"], `${field}.crv`, ["Ed25519"]);
  const x = textOf(
    jwk["x"],
    `${field}.x`,
    "the 43 characters of an Ed25519 key",
    (text) => text.length === 43,
  );
  checkKeyBytes(fromBase64url(x, `${field}.x`), `${field}.x`);
  return { kty: "OKP", crv: "Ed25519", x };
}

/** Throws TokenRefused for a key under which anybody can sign. */
export function checkKeyBytes(bytes: Uint8Array, field: string): void {
  const plain = Buffer.from(bytes);
  if (plain.length === KEY_BYTES) plain[KEY_BYTES - 1]! &= 0x7f;
  if (plain.length !== KEY_BYTES || SMALL_ORDER.has(plain.toString("hex")))
    throw new TokenRefused(
      "weak-key",
      field,
      "is no key: anybody can sign under it",
      "make a key with `sallyport token keys --new`",
    );
}

/** RFC 7638, SHA-256. */
export function thumbprint({ x }: PublicJwk): string {
  return createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
}

/** RFC 9278: what the draft has derived tokens say of who made them. */
export function thumbprintUri(jwk: PublicJwk): string {
  return `urn:ietf:params:oauth:jwk-thumbprint:sha-256:${thumbprint(jwk)}`;
}

/** The key to verify with; kept for the next time. The x of a JWK is the key, so nothing else has to be compared. */
export function publicKey(jwk: PublicJwk): KeyObject {
  const known = kept.get(jwk.x);
  if (known !== undefined) {
    kept.delete(jwk.x);
    kept.set(jwk.x, known);
    return known;
  }
  const key = createPublicKey({ key: { ...jwk }, format: "jwk" });
  if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value!);
  kept.set(jwk.x, key);
  return key;
}

/** The key to sign with. Throws INVALID for what is no private Ed25519 key. */
export function privateKey(jwk: PrivateJwk): KeyObject {
  try {
    const { kty, crv, x, d } = jwk;
    const key = createPrivateKey({ key: { kty, crv, x, d }, format: "jwk" });
    if (kty === "OKP" && crv === "Ed25519" && createPublicKey(key).export({ format: "jwk" }).x === x)
      return key;
  } catch {
    // Said below; what OpenSSL says could hold a part of the key.
  }
  throw new SallyportError(
    "INVALID",
    "Cannot use the holder's key: it is no private Ed25519 key as a JWK with kty, crv, x and d",
    {
      field: "holderKey",
    },
  );
}

export function newKey(): PrivateJwk {
  const { x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return { kty: "OKP", crv: "Ed25519", x: x!, d: d! };
}

export function publicHalf({ kty, crv, x }: PublicJwk): PublicJwk {
  return { kty, crv, x };
}
