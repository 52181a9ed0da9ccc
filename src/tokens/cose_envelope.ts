import { type KeyObject, sign } from "node:crypto";
import { fromBase64url } from "./base64url.ts";
import { type Cbor, type CborMap, decodeCbor, encodeCbor, tagged, untagged } from "./cbor.ts";
import { issuerKey } from "./claims_check.ts";
import type { Envelope } from "./envelope.ts";
import { checkedPayload } from "./json_envelope.ts";
import { checkSignature } from "./jws.ts";
import { MAX_TOKEN_BYTES } from "./limits.ts";
import { formatPayload, type ParsedPayload, parsePayload } from "./payload.ts";
import { shown, TokenRefused } from "./refusal.ts";
import type { Json, JsonObject } from "./strict_json.ts";
import { formatTime } from "./time_text.ts";

/** COSE_Sign1 (RFC 9052, section 4.2). */
const SIGN1 = 18;
const HEADER = { alg: 1, crit: 2, kid: 4, typ: 16 } as const;
/** RFC 9053: EdDSA; 4 to 7 are HMACs. */
const EDDSA = -8;
const TYP = "sallyport-capability+cose";
/** CWT claims (RFC 8392) and the fields of the payload that they stand for; what is not among them keeps its name. */
const CLAIMS: { readonly [claim: number]: string } = {
  1: "issued_by",
  2: "subject",
  3: "audience",
  4: "expires_at",
  5: "not_before",
  6: "issued_at",
  7: "capability_id",
  8: "holder",
};
const TIMES = ["expires_at", "not_before", "issued_at"];
/** COSE_Key (RFC 9053, section 7.2) of an Ed25519 key inside of cnf (RFC 8747). */
const COSE_KEY = { kty: 1, okp: 1, crv: -1, ed25519: 6, x: -2, confirmation: 1 } as const;
const MAX_SECONDS = 253_402_300_799;

/** The plain payload as a COSE_Sign1 of CWT claims, written as base64url. */
export const coseEnvelope: Envelope = {
  name: "cose",
  // The head of tag 18 and of an array of four.
  recognises: (text) => /^0oR[A-Za-z0-9_-]*$/.test(text),
  verify(text, context) {
    const { kid, payload, signed, signature } = readCose(text);
    const key = issuerKey(context.issuers, String((payload as JsonObject)["issued_by"]), kid, "issued_by");
    checkSignature(signed, signature, key, "token");
    return checkedPayload(parsePayload(payload, ""), "cose", text, context);
  },
};

/** Takes one apart, whose signature has not been looked at yet. Throws TokenRefused. */
export function readCose(text: string): {
  readonly kid: string;
  readonly payload: Json;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
} {
  if (text.length > MAX_TOKEN_BYTES)
    throw new TokenRefused("too-large", "token", `has ${text.length} bytes`, `keep it to ${MAX_TOKEN_BYTES}`);
  const bytes = untagged(fromBase64url(text, "token"), SIGN1);
  const parts = bytes === null ? null : decodeCbor(bytes, "token");
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed("token", "is no COSE_Sign1");
  const [head, open, body, signature] = parts as readonly Cbor[];
  if (!(head instanceof Uint8Array && body instanceof Uint8Array && signature instanceof Uint8Array))
    throw malformed("token", "does not have header, payload and signature as bytes");
  if (!(open instanceof Map) || open.size !== 0)
    throw new TokenRefused(
      "unknown-header",
      "token.unprotected",
      "holds what nobody has signed",
      "leave it empty",
    );
  const kid = parseHeader(decodeCbor(head, "token.header"));
  const payload = payloadOf(decodeCbor(body, "token.payload"));
  return { kid, payload, signed: signingInput(head, body), signature };
}

export function signCose(parsed: ParsedPayload, kid: string, key: KeyObject): string {
  const head = encodeCbor(
    new Map<number, Cbor>([
      [HEADER.alg, EDDSA],
      [HEADER.kid, Buffer.from(kid)],
      [HEADER.typ, TYP],
    ]),
  );
  const body = encodeCbor(claimsOf(formatPayload(parsed) as unknown as JsonObject));
  const signature = sign(null, signingInput(head, body), key);
  return tagged(SIGN1, [head, new Map(), body, signature]).toString("base64url");
}

function signingInput(head: Uint8Array, body: Uint8Array): Buffer {
  return encodeCbor(["Signature1", head, new Uint8Array(), body]);
}

function parseHeader(header: Cbor): string {
  if (!(header instanceof Map)) throw malformed("token.header", "is no map");
  const { alg, kid, typ, crit } = HEADER;
  const entries = header as CborMap;
  const named = entries.get(alg);
  if (named !== EDDSA) {
    const reason =
      typeof named === "number" && named >= 4 && named <= 7
        ? "algorithm-symmetric"
        : named === undefined
          ? "algorithm-none"
          : "algorithm-unsupported";
    throw new TokenRefused(
      reason,
      "token.header.alg",
      `is ${shown(named)}`,
      "sign with EdDSA (-8) and an Ed25519 key",
    );
  }
  if (entries.has(crit))
    throw new TokenRefused(
      "critical-header",
      "token.header.crit",
      "asks for what is not known here",
      "leave it out",
    );
  for (const key of entries.keys())
    if (![alg, kid, typ].includes(key as typeof alg))
      throw new TokenRefused(
        "unknown-header",
        `token.header.${key}`,
        "is not known",
        "write alg (1), kid (4) and typ (16) alone",
      );
  if (entries.get(typ) !== TYP)
    throw new TokenRefused(
      "wrong-type",
      "token.header.typ",
      `is ${shown(entries.get(typ))}`,
      `write ${shown(TYP)}`,
    );
  const id = entries.get(kid);
  if (!(id instanceof Uint8Array))
    throw new TokenRefused("bad-field", "token.header.kid", "is missing", "name the key as bytes");
  return Buffer.from(id).toString("latin1");
}

function payloadOf(claims: Cbor): Json {
  if (!(claims instanceof Map)) throw malformed("token.payload", "is no map");
  const payload: { [name: string]: Json } = Object.create(null);
  for (const [claim, value] of claims as CborMap) {
    const name = typeof claim === "number" ? CLAIMS[claim] : claim;
    if (name === undefined)
      throw new TokenRefused(
        "unknown-field",
        String(claim),
        "is not known",
        "write CWT claims 1 to 8 and the names of the payload",
      );
    // One spelling of each: the other would be a second key of the same meaning.
    if (typeof claim === "string" && Object.values(CLAIMS).includes(claim))
      throw new TokenRefused(
        "unknown-field",
        claim,
        "is not known by this name",
        "write it as a CWT claim, 1 to 8",
      );
    payload[name] = fieldOf(name, value);
  }
  return payload;
}

function fieldOf(name: string, value: Cbor): Json {
  if (TIMES.includes(name)) {
    if (typeof value === "number" && value >= 0 && value <= MAX_SECONDS) return formatTime(value * 1000);
    throw new TokenRefused("bad-field", name, "is no time", "write seconds since 1970 as an integer");
  }
  if (name === "capability_id" && value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (name === "holder") return holderOf(value);
  return jsonOf(value, name);
}

function holderOf(value: Cbor): Json {
  const key =
    value instanceof Map && value.size === 1 ? (value as CborMap).get(COSE_KEY.confirmation) : undefined;
  const parts = key instanceof Map ? (key as CborMap) : new Map<number, Cbor>();
  const x = parts.get(COSE_KEY.x);
  if (
    parts.size !== 3 ||
    parts.get(COSE_KEY.kty) !== COSE_KEY.okp ||
    parts.get(COSE_KEY.crv) !== COSE_KEY.ed25519 ||
    !(x instanceof Uint8Array)
  )
    throw new TokenRefused(
      "bad-field",
      "holder",
      "is no Ed25519 key",
      "write cnf as {1: {1: 1, -1: 6, -2: KEY}}",
    );
  return { kty: "OKP", crv: "Ed25519", x: Buffer.from(x).toString("base64url") };
}

function jsonOf(value: Cbor, field: string): Json {
  if (typeof value === "number" || typeof value === "string") return value;
  if (value instanceof Uint8Array)
    throw new TokenRefused("bad-field", field, "is bytes", "write what the payload writes");
  if (value instanceof Map) {
    const object: { [name: string]: Json } = Object.create(null);
    for (const [key, entry] of value as CborMap) {
      if (typeof key !== "string")
        throw new TokenRefused(
          "bad-field",
          field,
          "has a key that is no text",
          "write what the payload writes",
        );
      object[key] = jsonOf(entry, `${field}.${key}`);
    }
    return object;
  }
  return (value as readonly Cbor[]).map((entry, at) => jsonOf(entry, `${field}[${at}]`));
}

function claimsOf(payload: JsonObject): Cbor {
  const claimOf = new Map(Object.entries(CLAIMS).map(([claim, name]) => [name, Number(claim)]));
  return new Map(
    Object.entries(payload).map(([name, value]): [number | string, Cbor] => [
      claimOf.get(name) ?? name,
      cborOf(name, value),
    ]),
  );
}

function cborOf(name: string, value: Json): Cbor {
  if (TIMES.includes(name)) return Math.floor(Date.parse(value as string) / 1000);
  if (name === "capability_id") return Buffer.from(value as string);
  if (name === "holder") {
    const { kty, okp, crv, ed25519, x, confirmation } = COSE_KEY;
    const key = new Map<number, Cbor>([
      [kty, okp],
      [crv, ed25519],
      [x, Buffer.from((value as { x: string }).x, "base64url")],
    ]);
    return new Map([[confirmation, key]]);
  }
  if (Array.isArray(value)) return value.map((entry) => cborOf("", entry as Json));
  if (typeof value === "object" && value !== null)
    return new Map(Object.entries(value).map(([key, entry]) => [key, cborOf("", entry as Json)]));
  return value as number | string;
}

function malformed(field: string, problem: string): TokenRefused {
  return new TokenRefused("malformed", field, problem, "take the token as it was made");
}
