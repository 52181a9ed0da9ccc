import { createHash, type KeyObject } from "node:crypto";
import { checkAudience, checkBearer, checkRun, checkTimes, issuerKey } from "./claims_check.ts";
import type { Envelope, EnvelopeName, VerifiedToken, VerifyContext } from "./envelope.ts";
import { openJws, parseJws, signJws } from "./jws.ts";
import { formatPayload, type ParsedPayload, parsePayload } from "./payload.ts";
import { parseJson } from "./strict_json.ts";

export const JSON_TYP = "sallyport-capability+jws";
const FIELD = "";

/** The plain payload as one JWS. It can not be handed on offline: that takes a chain. */
export const jsonEnvelope: Envelope = {
  name: "json",
  // The typ of the header, as signJws writes it and JSON.stringify would; whatever else has three parts is looked at as one of a chain.
  recognises: (text) => headerOf(text).includes(`"${JSON_TYP}"`),
  verify(text, context) {
    const jws = parseJws(text, JSON_TYP, "token");
    // Only to find the key: nothing of it is believed before the signature was verified.
    const claimed = parsePayload(parseJson(jws.payload, "token.payload"), FIELD).capability.issuer;
    const key = issuerKey(context.issuers, claimed, jws.kid, "issued_by");
    const parsed = parsePayload(openJws(jws, key, "token"), FIELD);
    return checkedPayload(parsed, "json", text, context);
  },
};

export function signPayload(parsed: ParsedPayload, kid: string, key: KeyObject): string {
  return signJws(JSON_TYP, kid, formatPayload(parsed), key);
}

/** What the JSON and the COSE envelope ask of a payload whose signature is right. */
export function checkedPayload(
  { capability, audience, holder }: ParsedPayload,
  envelope: EnvelopeName,
  text: string,
  context: VerifyContext,
): VerifiedToken {
  checkTimes(capability, context.nowMs, "expires_at");
  checkAudience(audience, capability.issuer, context.audience);
  checkRun([capability], context.run);
  checkBearer([capability], holder, context.nowMs);
  const leafHash = createHash("sha256").update(text).digest("base64url");
  return { envelope, chain: [capability], holder, leafHash };
}

function headerOf(text: string): string {
  const dot = text.indexOf(".");
  return dot < 0 || dot > 2048 ? "" : Buffer.from(text.slice(0, dot), "base64url").toString("latin1");
}
