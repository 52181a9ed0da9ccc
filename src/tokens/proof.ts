import { randomUUID } from "node:crypto";
import type { VerifiedToken } from "./envelope.ts";
import { below, integerOf, objectOf, textOf } from "./fields.ts";
import { type PrivateJwk, privateKey, publicHalf, publicKey, thumbprint } from "./jwk.ts";
import { openJws, parseJws, signJws } from "./jws.ts";
import { MAX_PROOF_AGE_MS } from "./limits.ts";
import type { Nonces } from "./nonces.ts";
import { nameOf } from "./payload.ts";
import { type Refusal, TokenRefused } from "./refusal.ts";

const TYP = "aat-pop+jwt";
const FIELD = "proof";
const CLAIMS = ["jti", "iat", "aat_id", "aat_aud", "ath", "nonce", "run", "channel"];

/** What a proof is made for: the session and no other. */
export type ProofSession = {
  /** What the broker asked; good once. */
  readonly nonce: string;
  readonly run: string;
  /** The channel between the two, as both know it. */
  readonly channel: string;
  /** The host, as tokens name it. */
  readonly audience: string;
};

/**
 * Proves to hold the key of a token, for one session. In the manner of section 5 of the draft, but for a session and not a single
 * call: what is called is bound by the channel, whose other end the kernel names.
 */
export function signProof(
  token: { readonly id: string; readonly leafHash: string },
  session: ProofSession,
  holderKey: PrivateJwk,
  nowMs: number,
): string {
  const { nonce, run, channel, audience } = session;
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(nowMs / 1000),
    aat_id: token.id,
    aat_aud: audience,
    ath: token.leafHash,
    nonce,
    run,
    channel,
  };
  return signJws(TYP, thumbprint(publicHalf(holderKey)), claims, privateKey(holderKey));
}

/**
 * Holds a proof against a verified token and this session; null when it is right. A token without a holder needs none, and gets none.
 * `monotonicMs` is of the clock of `nonces`.
 */
export function refuseProof(
  proof: string | null,
  token: VerifiedToken,
  session: Omit<ProofSession, "nonce">,
  nonces: Nonces,
  clock: { readonly nowMs: number; readonly monotonicMs: number },
): Refusal | null {
  try {
    if (token.holder === null) {
      if (proof === null) return null;
      throw new TokenRefused("holder-missing", FIELD, "was given for a token without holder", "leave it out");
    }
    if (proof === null)
      throw new TokenRefused(
        "proof-missing",
        FIELD,
        "is missing",
        "sign one with the holder's key (proveHolder)",
      );
    checkProof(proof, token, session, nonces, clock);
    return null;
  } catch (error) {
    if (error instanceof TokenRefused) return error.refusal;
    throw error;
  }
}

function checkProof(
  proof: string,
  { holder, chain, leafHash }: VerifiedToken,
  { run, channel, audience }: Omit<ProofSession, "nonce">,
  nonces: Nonces,
  { nowMs, monotonicMs }: { readonly nowMs: number; readonly monotonicMs: number },
): void {
  const claims = objectOf(openJws(parseJws(proof, TYP, FIELD), publicKey(holder!), FIELD), FIELD, CLAIMS);
  const name = (key: string): string => nameOf(claims[key], below(FIELD, key));
  const refuse = (
    reason: "proof-wrong-token" | "proof-wrong-session" | "wrong-audience",
    key: string,
  ): never => {
    throw new TokenRefused(
      reason,
      below(FIELD, key),
      "is another one",
      "sign a proof for just this token and session",
    );
  };
  name("jti");
  if (name("aat_id") !== chain.at(-1)!.id) refuse("proof-wrong-token", "aat_id");
  if (textOf(claims["ath"], "proof.ath", "text", () => true) !== leafHash) refuse("proof-wrong-token", "ath");
  if (name("aat_aud") !== audience) refuse("wrong-audience", "aat_aud");
  if (name("run") !== run) refuse("proof-wrong-session", "run");
  if (name("channel") !== channel) refuse("proof-wrong-session", "channel");
  const madeMs = integerOf(claims["iat"], "proof.iat", 0, Number.MAX_SAFE_INTEGER) * 1000;
  if (Math.abs(nowMs - madeMs) > MAX_PROOF_AGE_MS + 1000)
    throw new TokenRefused(
      "proof-stale",
      "proof.iat",
      "is more than 30 s from now",
      "sign a new one, and set the clocks",
    );
  const taken = nonces.take(name("nonce"), monotonicMs);
  if (taken === "used")
    throw new TokenRefused("proof-replayed", "proof.nonce", "was answered before", "ask for a new nonce");
  if (taken === "unknown")
    throw new TokenRefused(
      "proof-wrong-nonce",
      "proof.nonce",
      "was not asked, or too long ago",
      "ask for a new nonce",
    );
}
