/**
 * `sallyport/tokens`: what an agent needs to hand a part of what it may do to another. Offline, and without the native addon: no
 * broker is asked. The results are texts; whether they are taken is decided where they are used.
 */
import { SallyportError } from "../protocol/errors.ts";
import { type ActionFields, formatGrant } from "../tokens/action_fields.ts";
import { readBiscuit as openBiscuit } from "../tokens/biscuit/biscuit.ts";
import { biscuitBytes, parseRootKey } from "../tokens/biscuit/text.ts";
import { derive, type Narrower } from "../tokens/derive.ts";
import { readUnverified } from "../tokens/describe.ts";
import { newKey, type PrivateJwk, type PublicJwk, publicHalf } from "../tokens/jwk.ts";
import { type ProofSession, signProof } from "../tokens/proof.ts";
import { formatRefusal, TokenRefused } from "../tokens/refusal.ts";
import { formatTime } from "../tokens/time_text.ts";

export type { ActionFields } from "../tokens/action_fields.ts";
export type { Narrower } from "../tokens/derive.ts";
export type { PrivateJwk, PublicJwk } from "../tokens/jwk.ts";
export type { ProofSession } from "../tokens/proof.ts";

/** Makes the key of a holder: Ed25519, as a JWK. Give away `publicKey` alone. */
export function newHolderKey(): { readonly privateKey: PrivateJwk; readonly publicKey: PublicJwk } {
  const privateKey = newKey();
  return { privateKey, publicKey: publicHalf(privateKey) };
}

/**
 * Makes a narrower token of `token`, of which `holderKey` is the holder's private key; `narrower.holder` is whom it is for. What is left out stays
 * as it is. Throws INVALID: `field` is what would be wider, `expected` the way out.
 */
export function attenuate(token: string, narrower: Narrower, holderKey: PrivateJwk): string {
  return derive(token, narrower, holderKey);
}

/** What a Biscuit lets be done, as the fields of a payload. */
export type BiscuitRights = {
  readonly actions: readonly ActionFields[];
  /** null where it does not say. */
  readonly not_before: string | null;
  readonly expires_at: string | null;
  /** One for each block, in hex: what lists of revoked Biscuits name. */
  readonly revocationIds: readonly string[];
};

/**
 * Verifies a Biscuit, its bytes or its text, under `rootKey` ("ed25519/" and hex), and says what it lets be done. It makes no token: that
 * takes the key of an issuer (sallyport token import). Throws INVALID with the line that is not understood.
 */
export function readBiscuit(biscuit: Uint8Array | string, rootKey: string): BiscuitRights {
  try {
    const bytes = biscuitBytes(typeof biscuit === "string" ? Buffer.from(biscuit, "latin1") : biscuit);
    const { grants, notBeforeMs, expiresMs, revocationIds } = openBiscuit(bytes, parseRootKey(rootKey));
    return {
      actions: grants.map(formatGrant),
      not_before: notBeforeMs === null ? null : formatTime(notBeforeMs),
      expires_at: expiresMs === null ? null : formatTime(expiresMs),
      revocationIds,
    };
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    const { field, remedy } = error.refusal;
    throw new SallyportError("INVALID", `Cannot read the Biscuit: ${formatRefusal(error.refusal)}`, {
      field,
      expected: remedy,
    });
  }
}

/** Proves to a broker to hold the key of `token`, for one session, by the nonce that it has sent. */
export function proveHolder(token: string, session: ProofSession, holderKey: PrivateJwk): string {
  try {
    const { chain, leafHash } = readUnverified(token);
    return signProof({ id: chain.at(-1)!.id, leafHash }, session, holderKey, Date.now());
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    const { field, remedy } = error.refusal;
    throw new SallyportError("INVALID", `Cannot prove to hold the token: ${formatRefusal(error.refusal)}`, {
      field,
      expected: remedy,
    });
  }
}
