import { randomUUID } from "node:crypto";
import type { Capability } from "../policy/capability/capability.ts";
import { ON_REVOKE } from "../policy/capability/on_revoke.ts";
import { subsumes } from "../policy/capability/subsumes.ts";
import { SallyportError } from "../protocol/errors.ts";
import { type AatClaims, parseAatClaims } from "./aat_claims.ts";
import { AAT_TYP, aatEnvelope, LINK, signAat, splitChain } from "./aat_envelope.ts";
import { type ActionFields, parseActions } from "./action_fields.ts";
import { integerOf, objectOf, wordOf } from "./fields.ts";
import { jsonEnvelope } from "./json_envelope.ts";
import {
  type PrivateJwk,
  type PublicJwk,
  parsePublicJwk,
  privateKey,
  publicHalf,
  thumbprint,
  thumbprintUri,
} from "./jwk.ts";
import { hashOf, parseJws } from "./jws.ts";
import { MAX_DEPTH } from "./limits.ts";
import { nameOf, parseBudget } from "./payload.ts";
import { formatRefusal, TokenRefused } from "./refusal.ts";
import { type Json, parseJson } from "./strict_json.ts";
import { timeOf } from "./time_text.ts";

/** What a child is to be; a field that is left out is as in the parent. The fields are those of the payload. */
export type Narrower = {
  readonly capability_id?: string;
  readonly subject?: string;
  readonly actions?: readonly ActionFields[];
  readonly expires_at?: string;
  readonly not_before?: string;
  readonly run?: string;
  readonly budget?: { readonly [field: string]: number };
  readonly delegation_depth?: number;
  readonly on_revoke?: Capability["onRevoke"];
  /** Whose key it is for; default: the one that signs it. */
  readonly holder?: PublicJwk;
};

const NARROWER = [
  "capability_id",
  "subject",
  "actions",
  "expires_at",
  "not_before",
  "run",
  "budget",
  "delegation_depth",
  "on_revoke",
  "holder",
];

/**
 * Makes a narrower token of `chain`, offline, signed with the key of its holder. Throws INVALID, with the field that is wider or wrong.
 * The signatures of the chain are not looked at: whoever uses the result has them looked at.
 */
export function derive(
  chain: string,
  narrower: Narrower,
  holderKey: PrivateJwk,
  nowMs: number = Date.now(),
): string {
  try {
    if (!aatEnvelope.recognises(chain) || jsonEnvelope.recognises(chain))
      throw new TokenRefused(
        "unknown-envelope",
        "",
        "can not be handed on: only a chain (aat-01) can",
        "ask for a token with a holder",
      );
    const parts = splitChain(chain);
    const jws = parseJws(parts.at(-1)!, AAT_TYP, "token");
    const parent = parseAatClaims(parseJson(jws.payload, "token.payload"), "token");
    if (thumbprint(parent.holder) !== thumbprint(publicHalf(holderKey)))
      throw new TokenRefused(
        "wrong-signer",
        "holderKey",
        "is not the key of the token's holder",
        "sign with that key",
      );
    const claims = childOf(parent, hashOf(jws.signingInput), narrower, nowMs);
    const proof = subsumes(parent.capability, claims.capability);
    if (proof.kind === "wider") throw new TokenRefused("widened", proof.field, proof.problem, proof.remedy);
    if (claims.depth > MAX_DEPTH)
      throw new TokenRefused(
        "too-deep",
        "delegation_depth",
        "is used up",
        "hand on one that is nearer to the root",
      );
    const signed = `${chain}${LINK}${signAat(claims, thumbprint(parent.holder), privateKey(holderKey))}`;
    splitChain(signed);
    return signed;
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    const { refusal } = error;
    throw new SallyportError("INVALID", `Cannot derive a token: ${formatRefusal(refusal)}`, {
      field: refusal.field,
      expected: refusal.remedy,
    });
  }
}

function childOf(parent: AatClaims, parentHash: string, narrower: Narrower, nowMs: number): AatClaims {
  objectOf(narrower as unknown as Json, "", [], NARROWER);
  const {
    capability_id,
    subject,
    actions,
    expires_at,
    not_before,
    run,
    budget,
    delegation_depth,
    on_revoke,
    holder,
  } = narrower;
  const from = parent.capability;
  // Whole seconds: what the claims can say.
  const issuedMs = Math.max(from.issuedMs, Math.floor(nowMs / 1000) * 1000);
  const depth = parent.depth + 1;
  const left =
    delegation_depth === undefined
      ? Math.max(0, from.delegationDepth - 1)
      : integerOf(delegation_depth, "delegation_depth", 0, MAX_DEPTH);
  const json = <T extends object>(value: T): Json => value as unknown as Json;
  return {
    capability: {
      id: capability_id === undefined ? randomUUID() : nameOf(capability_id, "capability_id"),
      subject: subject === undefined ? from.subject : nameOf(subject, "subject"),
      issuer: thumbprintUri(parent.holder),
      run: run === undefined ? from.run : nameOf(run, "run"),
      issuedMs,
      notBeforeMs:
        not_before === undefined
          ? Math.max(issuedMs, from.notBeforeMs)
          : wholeSeconds(timeOf(not_before, "not_before"), Math.ceil),
      expiresMs:
        expires_at === undefined
          ? from.expiresMs
          : wholeSeconds(timeOf(expires_at, "expires_at"), Math.floor),
      grants: actions === undefined ? from.grants : parseActions(json(actions), "actions"),
      budget: budget === undefined ? from.budget : parseBudget(json(budget), "budget"),
      delegationDepth: left,
      onRevoke: on_revoke === undefined ? from.onRevoke : wordOf(on_revoke, "on_revoke", ON_REVOKE),
    },
    audience: parent.audience,
    holder: holder === undefined ? parent.holder : parsePublicJwk(json(holder), "holder"),
    depth,
    maxDepth: depth + left,
    parentHash,
  };
}

function wholeSeconds(ms: number, round: (seconds: number) => number): number {
  return round(ms / 1000) * 1000;
}
