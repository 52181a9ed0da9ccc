/** Why a token is refused. The words are stable; docs/capabilities.md has a table made of this. */
export const REFUSALS = {
  "too-large": "a token is longer than 64 KiB",
  "chain-too-large": "all tokens of the chain together are longer than 256 KiB",
  "too-deep": "the chain has more steps than 8, or than one of its tokens allows",
  "unknown-envelope": "the text is none of the forms of a token",
  malformed: "the parts of the envelope are not what they must be",
  "not-base64url": "a part is not base64url in its one canonical form (RFC 4648, without padding)",
  "bad-json": "the text is not JSON, or not of the kind that tokens use: UTF-8, integers, at most 12 levels",
  "bad-cbor": "the bytes are not CBOR in its deterministic form (RFC 8949, section 4.2)",
  "duplicate-key": "an object has the same key twice",
  "unknown-field": "a field that is not known could be a limit that would be lost",
  "bad-field": "a field is missing, or its value is not of its form",
  "algorithm-none": "the token says that it has no signature",
  "algorithm-symmetric": "the token names an algorithm whose key is secret (HS256 and its like)",
  "algorithm-unsupported": "the token names another algorithm than EdDSA",
  "embedded-key": "the token brings or points to its own key (jwk, jku, x5c, x5u)",
  "critical-header": "the header has a crit list",
  "unknown-header": "the header has a parameter that is not known",
  "wrong-type": "the typ of the header is that of something else",
  "unknown-issuer": "no key of this issuer is trusted here",
  "unknown-key": "the issuer has no key of that id",
  "weak-key": "the key is a point of small order, under which anybody can sign",
  "private-key": "the token holds a private key",
  "bad-signature": "the signature does not verify under the key",
  expired: "the token has ended",
  "not-yet-valid": "the token does not hold yet",
  "issued-in-future": "the token says that it was made more than 30 s from now",
  "lifetime-too-long": "the token lives longer than 90 days",
  "bearer-too-long": "a token without holder and run has more than 5 minutes left",
  "wrong-depth": "del_depth does not count the steps of the chain, or del_max_depth grows",
  "wrong-parent": "par_hash is not the digest of the token before it",
  "wrong-signer": "a derived token is not by the holder of the token before it",
  "duplicate-id": "two tokens of the chain have the same id",
  widened: "a derived token is not within the one before it; `field` names the first that is wider",
  "wrong-audience": "the token is for another host",
  "wrong-run": "the token is for another run",
  "holder-missing": "the token has no holder's key, so that nothing can be proved",
  "proof-missing": "the token has a holder's key, and no proof of it came along",
  "proof-wrong-token": "the proof was made for another token",
  "proof-wrong-nonce": "the proof answers no question of this broker",
  "proof-replayed": "the proof was used before",
  "proof-stale": "the proof was made more than 30 s ago or ahead",
  "proof-wrong-session": "the proof is for another run or channel",
  "bad-protobuf": "the bytes are no Biscuit of version 3, or have a field that is not known",
  "third-party-block": "a block of the Biscuit is signed by a third party",
  "unknown-datalog":
    "a fact, rule or check of the Biscuit is not one that is understood; left out it could be a limit lost",
  "nothing-granted": "no right is left of the Biscuit under all of its checks",
  revoked: "the token, or one that it was derived from, was revoked",
} as const;

export type RefusalReason = keyof typeof REFUSALS;

/** A refused token, as data. `field` is "" where it is the whole; the value of a field is hostile text and not repeated at length. */
export type Refusal = {
  readonly reason: RefusalReason;
  readonly field: string;
  readonly problem: string;
  readonly remedy: string;
};

/** Carries a refusal to the function that gives it as data; it leaves none that is exported by verify.ts or proof.ts. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
  readonly refusal: Refusal;

  constructor(reason: RefusalReason, field: string, problem: string, remedy: string) {
    super(`${field}: ${problem}`);
    this.refusal = { reason, field, problem, remedy };
  }
}

/** One line for a person. */
export function formatRefusal({ reason, field, problem, remedy }: Refusal): string {
  return `${field === "" ? "the token" : `field "${field}"`} ${problem} (${reason}): ${remedy}`;
}

/** Hostile text in a message: quoted, and cut where it is long. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
