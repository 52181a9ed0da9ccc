/**
 * `sallyport/tokens`: what an agent needs to hand a part of what it may do to another. Offline, and without the native addon: no
 * broker is asked. The results are texts; whether they are taken is decided where they are used.
 */
import { SallyportError } from "../protocol/errors.ts";
import { derive, type Narrower } from "../tokens/derive.ts";
import { readUnverified } from "../tokens/describe.ts";
import { newKey, type PrivateJwk, type PublicJwk, publicHalf } from "../tokens/jwk.ts";
import { type ProofSession, signProof } from "../tokens/proof.ts";
import { formatRefusal, TokenRefused } from "../tokens/refusal.ts";

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
