import { aatEnvelope } from "./aat_envelope.ts";
import { coseEnvelope } from "./cose_envelope.ts";
import type { Envelope, VerifiedToken, VerifyContext } from "./envelope.ts";
import { jsonEnvelope } from "./json_envelope.ts";
import { MAX_CHAIN_BYTES } from "./limits.ts";
import { type Refusal, TokenRefused } from "./refusal.ts";

export type TokenVerdict =
  | { readonly kind: "valid"; readonly token: VerifiedToken }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** The first that recognises a text has it. */
const FORMS: readonly Envelope[] = [jsonEnvelope, coseEnvelope, aatEnvelope];

/**
 * Verifies a token of whatever form. A refused one is data; whatever the text, nothing is thrown. The proof of possession and the
 * revocations are not looked at.
 */
export function verifyToken(text: string, context: VerifyContext): TokenVerdict {
  try {
    if (text.length > MAX_CHAIN_BYTES)
      throw new TokenRefused(
        "chain-too-large",
        "",
        `has ${text.length} bytes`,
        `keep it to ${MAX_CHAIN_BYTES}`,
      );
    const form = FORMS.find(({ recognises }) => recognises(text));
    if (form === undefined)
      throw new TokenRefused(
        "unknown-envelope",
        "",
        "is none that is known",
        "give the text that sallyport token mint wrote",
      );
    return { kind: "valid", token: form.verify(text, context) };
  } catch (error) {
    if (error instanceof TokenRefused) return { kind: "refused", refusal: error.refusal };
    throw error;
  }
}
