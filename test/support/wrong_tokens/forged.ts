import { createHmac } from "node:crypto";
import { publicHalf } from "../../../src/tokens/jwk.ts";
import { mintToken } from "../../../src/tokens/mint.ts";
import { HOST, issuerJwk, issuerOf, keysOf, mint, order, partsOf, rawJws, resigned } from "../tokens.ts";
import {
  type Case,
  child,
  cose,
  coseHeader,
  coseOf,
  first,
  flipped,
  foreign,
  json,
  root,
  second,
} from "./wrong_token.ts";

export const FORGED: readonly Case[] = [
  ["a bit of the payload is another", "bad-signature", "chain[0]", () => flipped(mint(), 1).replace(/^/, "")],
  ["a bit of the signature is another", "bad-signature", "chain[0]", () => flipped(mint(), 2)],
  ["signed by somebody who knows the kid", "bad-signature", "chain[0]", () => resigned(mint(), foreign)],
  [
    "a JSON token that somebody else has signed",
    "bad-signature",
    "token",
    () => resigned(mint("json"), foreign),
  ],
  [
    "a COSE token with another signature",
    "bad-signature",
    "token",
    () => cose((bytes) => bytes.fill(7, bytes.length - 60)),
  ],
  [
    "a derived token that its parent's holder has not signed",
    "bad-signature",
    "chain[1]",
    () => resigned(child(), second),
  ],
  ["a signature that is cut", "bad-signature", "chain[0]", () => mint().replace(/[^.]{6}$/, "")],
  ["a signature of no bytes", "not-base64url", "chain[0].signature", () => mint().replace(/[^.]*$/, "")],
  [
    "an issuer of whom nobody has heard",
    "unknown-issuer",
    "chain[0].iss",
    () => mintToken("aat-01", order(), issuerOf("urn:else", foreign)),
  ],
  [
    "a JSON token of such an issuer",
    "unknown-issuer",
    "issued_by",
    () => mintToken("json", order(), issuerOf("urn:else", foreign)),
  ],
  [
    "a COSE token of such an issuer",
    "unknown-issuer",
    "issued_by",
    () => mintToken("cose", order(), issuerOf("urn:else", foreign)),
  ],
  [
    "a key that the issuer does not have",
    "unknown-key",
    "chain[0].iss",
    () => mintToken("aat-01", order(), issuerOf(HOST, foreign)),
  ],
  ["no key named", "unknown-key", "chain[0].iss", () => root({}, { kid: undefined })],
  [
    "signed by the key of another trusted issuer",
    "unknown-key",
    "issued_by",
    () => mintToken("json", order(), issuerOf(HOST, foreign)),
    { issuers: keysOf([HOST, issuerJwk], ["urn:else", foreign]) },
  ],
  ["a derived token that begins a chain", "unknown-issuer", "chain[0].iss", () => child().split("~")[1]!],
  [
    "a holder's key of small order",
    "weak-key",
    "chain[0].cnf.jwk.x",
    () =>
      root({
        cnf: {
          jwk: {
            kty: "OKP",
            crv: "Ed25519",
            x: Buffer.concat([Buffer.of(1), Buffer.alloc(31)]).toString("base64url"),
          },
        },
      }),
  ],
  [
    "a holder's key of small order, not reduced",
    "weak-key",
    "chain[0].cnf.jwk.x",
    () =>
      root({
        cnf: {
          jwk: {
            kty: "OKP",
            crv: "Ed25519",
            x: Buffer.concat([Buffer.of(0xee), Buffer.alloc(31, 0xff)]).toString("base64url"),
          },
        },
      }),
  ],
  [
    "the private half of the holder's key",
    "private-key",
    "chain[0].cnf.jwk.d",
    () => root({ cnf: { jwk: first } }),
  ],
];

export const ALGORITHMS: readonly Case[] = [
  [
    "none",
    "algorithm-none",
    "chain[0].header.alg",
    () => rawJws({ alg: "none", typ: "aat+jwt" }, partsOf(mint()).claims, new Uint8Array(64)),
  ],
  ["None, in other letters", "algorithm-none", "token.header.alg", () => json({}, { alg: "nOnE" })],
  [
    "HS256 with the public key as its secret",
    "algorithm-symmetric",
    "token.header.alg",
    () => {
      const text = json({}, { alg: "HS256" });
      const input = text.slice(0, text.lastIndexOf("."));
      return `${input}.${createHmac("sha256", Buffer.from(issuerJwk.x, "base64url")).update(input).digest("base64url")}`;
    },
  ],
  ["HS512", "algorithm-symmetric", "chain[0].header.alg", () => root({}, { alg: "HS512" })],
  [
    "ES256 with an Ed25519 key",
    "algorithm-unsupported",
    "chain[0].header.alg",
    () => root({}, { alg: "ES256" }),
  ],
  ["RS256", "algorithm-unsupported", "chain[0].header.alg", () => root({}, { alg: "RS256" })],
  ["Ed448 by name", "algorithm-unsupported", "chain[0].header.alg", () => root({}, { alg: "Ed448" })],
  ["no algorithm", "algorithm-unsupported", "chain[0].header.alg", () => root({}, { alg: undefined })],
  [
    "an algorithm that is a list",
    "algorithm-unsupported",
    "chain[0].header.alg",
    () => root({}, { alg: ["EdDSA"] }),
  ],
  [
    "HS256 in a derived token",
    "algorithm-symmetric",
    "chain[1].header.alg",
    () => child({}, { alg: "HS256" }),
  ],
  [
    "an HMAC in COSE",
    "algorithm-symmetric",
    "token.header.alg",
    () => coseOf(new Map<number, unknown>([[1, 5]])),
  ],
  [
    "ES256 in COSE",
    "algorithm-unsupported",
    "token.header.alg",
    () => coseOf(new Map<number, unknown>([[1, -7]])),
  ],
  ["no algorithm in COSE", "algorithm-none", "token.header.alg", () => coseOf(new Map())],
  [
    "a key that comes along (jwk)",
    "embedded-key",
    "chain[0].header.jwk",
    () => resigned(mint(), foreign, {}, { jwk: publicHalf(foreign) }),
  ],
  [
    "a key that is to be fetched (jku)",
    "embedded-key",
    "token.header.jku",
    () => json({}, { jku: "https://evil.test/jwks.json" }),
  ],
  [
    "a certificate that is to be fetched (x5u)",
    "embedded-key",
    "token.header.x5u",
    () => json({}, { x5u: "https://evil.test/" }),
  ],
  [
    "a certificate that comes along (x5c)",
    "embedded-key",
    "token.header.x5c",
    () => json({}, { x5c: ["AA=="] }),
  ],
  ["crit", "critical-header", "token.header.crit", () => json({}, { crit: ["exp"] })],
  ["crit in COSE", "critical-header", "token.header.crit", () => coseOf(coseHeader([2, [1]]))],
  ["b64 without crit", "unknown-header", "token.header.b64", () => json({}, { b64: false })],
  [
    "an unknown header in COSE",
    "unknown-header",
    "token.header.33",
    () => coseOf(coseHeader([33, Buffer.of(1)])),
  ],
  [
    "an unsigned header in COSE",
    "unknown-header",
    "token.unprotected",
    () => coseOf(coseHeader(), new Map(), new Map([[4, Buffer.of(1)]])),
  ],
  ["the typ of an access token", "wrong-type", "chain[0].header.typ", () => root({}, { typ: "at+jwt" })],
  ["no typ", "wrong-type", "chain[0].header.typ", () => root({}, { typ: undefined })],
  [
    "a proof in the place of a token",
    "wrong-type",
    "chain[0].header.typ",
    () => root({}, { typ: "aat-pop+jwt" }),
  ],
  [
    "a JSON token in the place of a derived one",
    "wrong-type",
    "chain[1].header.typ",
    () => `${mint()}~${mint("json")}`,
  ],
];
