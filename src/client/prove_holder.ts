import type { Challenge } from "../protocol/message.ts";
import { readUnverified } from "../tokens/describe.ts";
import type { PrivateJwk } from "../tokens/jwk.ts";
import { signProof } from "../tokens/proof.ts";

/** The proof that a challenge asks for: that this process holds the key of the token. Throws TokenRefused for what is no token. */
export function proveHolder(token: string, key: PrivateJwk, run: string, challenge: Challenge): string {
  const { chain, leafHash } = readUnverified(token);
  const leaf = { id: chain.at(-1)!.id, leafHash };
  return signProof(leaf, { ...challenge, run }, key, Date.now());
}
