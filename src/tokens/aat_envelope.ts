import { createHash, type KeyObject } from "node:crypto";
import type { Capability } from "../policy/capability/capability.ts";
import { subsumes } from "../policy/capability/subsumes.ts";
import { type AatClaims, formatAatClaims, parseAatClaims } from "./aat_claims.ts";
import { checkAudience, checkBearer, checkRun, checkTimes, issuerKey } from "./claims_check.ts";
import type { Envelope, VerifyContext } from "./envelope.ts";
import { publicKey, thumbprint, thumbprintUri } from "./jwk.ts";
import { hashOf, type Jws, openJws, parseJws, signJws } from "./jws.ts";
import { MAX_CHAIN_BYTES, MAX_DEPTH, MAX_TOKEN_BYTES } from "./limits.ts";
import { shown, TokenRefused } from "./refusal.ts";
import { parseJson } from "./strict_json.ts";

export const AAT_TYP = "aat+jwt";
/** Between the tokens of a chain, root first. */
export const LINK = "~";

/**
 * The attenuating chain: each token is signed by whom the one before it names as its holder, is bound to it by digest, and is within
 * it. Section 7 of the draft, in its order: sizes, then each signature before the claims under it are looked at.
 */
export const aatEnvelope: Envelope = {
  name: "aat-01",
  recognises: (text) => text.includes("."),
  verify(text, context) {
    const parts = splitChain(text);
    const links = parts.map((part, at) => ({
      jws: parseJws(part, AAT_TYP, `chain[${at}]`),
      field: `chain[${at}]`,
    }));
    const [first, ...others] = links as [Link, ...Link[]];
    const root = openRoot(first, context);
    const claims: [AatClaims, ...AatClaims[]] = [root];
    let before = first;
    for (const link of others) {
      claims.push(openDerived(link, before, claims.at(-1)!, context));
      before = link;
    }
    refuseSameIds(claims);
    const chain = claims.map(({ capability }) => capability) as [Capability, ...Capability[]];
    const { holder } = claims.at(-1)!;
    checkRun(chain, context.run);
    checkBearer(chain, holder, context.nowMs);
    const leafHash = createHash("sha256").update(parts.at(-1)!).digest("base64url");
    return { envelope: "aat-01", chain, holder, leafHash };
  },
};

type Link = { readonly jws: Jws; readonly field: string };

export function signAat(claims: AatClaims, kid: string, key: KeyObject): string {
  return signJws(AAT_TYP, kid, formatAatClaims(claims), key);
}

/** The tokens of a chain. Throws TokenRefused where it is too large or too deep. */
export function splitChain(text: string): readonly string[] {
  if (text.length > MAX_CHAIN_BYTES)
    throw new TokenRefused(
      "chain-too-large",
      "chain",
      `has ${text.length} bytes`,
      `keep it to ${MAX_CHAIN_BYTES}`,
    );
  const parts = text.split(LINK, MAX_DEPTH + 2);
  if (parts.length > MAX_DEPTH + 1)
    throw new TokenRefused(
      "too-deep",
      "chain",
      `has more than ${MAX_DEPTH} derived tokens`,
      "hand on one that is nearer to the root",
    );
  for (const [at, part] of parts.entries())
    if (part.length > MAX_TOKEN_BYTES)
      throw new TokenRefused(
        "too-large",
        `chain[${at}]`,
        `has ${part.length} bytes`,
        `keep it to ${MAX_TOKEN_BYTES}`,
      );
  return parts;
}

function openRoot({ jws, field }: Link, context: VerifyContext): AatClaims {
  // Only to find the key: nothing of it is believed before the signature was verified.
  const issuer = (parseJson(jws.payload, `${field}.payload`) as { iss?: unknown } | null)?.iss;
  const key = issuerKey(context.issuers, typeof issuer === "string" ? issuer : "", jws.kid, `${field}.iss`);
  const claims = parseAatClaims(openJws(jws, key, field), field);
  if (claims.depth !== 0)
    throw new TokenRefused(
      "wrong-depth",
      `${field}.del_depth`,
      `is ${claims.depth} in the first token`,
      "begin with the token of the issuer",
    );
  if (claims.parentHash !== null)
    throw new TokenRefused(
      "wrong-parent",
      `${field}.par_hash`,
      "stands in the first token",
      "begin with the token of the issuer",
    );
  checkTimes(claims.capability, context.nowMs, `${field}.exp`);
  checkAudience(claims.audience, claims.capability.issuer, context.audience);
  return claims;
}

function openDerived(
  { jws, field }: Link,
  before: Link,
  parent: AatClaims,
  context: VerifyContext,
): AatClaims {
  if (jws.kid !== "" && jws.kid !== thumbprint(parent.holder))
    throw new TokenRefused(
      "wrong-signer",
      `${field}.header.kid`,
      "is not the holder of the token before it",
      "sign with the holder's key",
    );
  const claims = parseAatClaims(openJws(jws, publicKey(parent.holder), field), field);
  const { capability, depth, maxDepth } = claims;
  // I1
  if (capability.issuer !== thumbprintUri(parent.holder))
    throw new TokenRefused(
      "wrong-signer",
      `${field}.iss`,
      `is ${shown(capability.issuer)}`,
      "name the thumbprint of the holder of the token before it",
    );
  // I5
  if (claims.parentHash !== hashOf(before.jws.signingInput))
    throw new TokenRefused(
      "wrong-parent",
      `${field}.par_hash`,
      "is not the digest of the token before it",
      "keep each token behind the one that it was made from",
    );
  // I2
  if (depth !== parent.depth + 1)
    throw new TokenRefused(
      "wrong-depth",
      `${field}.del_depth`,
      `is ${depth}, behind ${parent.depth}`,
      "count each step by one",
    );
  if (depth > parent.maxDepth || depth > maxDepth)
    throw new TokenRefused(
      "too-deep",
      `${field}.del_depth`,
      `is ${depth}, and at most ${Math.min(maxDepth, parent.maxDepth)} is allowed`,
      "ask for a token that may be handed on",
    );
  if (maxDepth > parent.maxDepth)
    throw new TokenRefused(
      "wrong-depth",
      `${field}.del_max_depth`,
      `is ${maxDepth}, and was ${parent.maxDepth}`,
      `write at most ${parent.maxDepth}`,
    );
  // I3, and ours: for the same host all the way.
  checkTimes(capability, context.nowMs, `${field}.exp`);
  if (claims.audience !== parent.audience)
    throw new TokenRefused(
      "wrong-audience",
      `${field}.aud`,
      "is not that of the token before it",
      "keep it as it is",
    );
  // I4
  const proof = subsumes(parent.capability, capability);
  if (proof.kind === "wider")
    throw new TokenRefused("widened", `${field}.${proof.field}`, proof.problem, proof.remedy);
  return claims;
}

function refuseSameIds(claims: readonly AatClaims[]): void {
  const seen = new Set<string>();
  for (const [at, { capability }] of claims.entries()) {
    if (seen.has(capability.id))
      throw new TokenRefused(
        "duplicate-id",
        `chain[${at}].jti`,
        `is ${shown(capability.id)} once more`,
        "give each token an id of its own",
      );
    seen.add(capability.id);
  }
}
