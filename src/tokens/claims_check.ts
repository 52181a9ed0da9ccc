import type { KeyObject } from "node:crypto";
import type { Capability, CapabilityChain } from "../policy/capability/capability.ts";
import type { VerifyContext } from "./envelope.ts";
import type { PublicJwk } from "./jwk.ts";
import { MAX_BEARER_MS, MAX_LIFETIME_MS, MAX_SKEW_MS } from "./limits.ts";
import { shown, TokenRefused } from "./refusal.ts";
import { formatTime } from "./time_text.ts";

/** The key of an issuer, or the refusal that says which of the two is not known. */
export function issuerKey(
  issuers: VerifyContext["issuers"],
  issuer: string,
  kid: string,
  field: string,
): KeyObject {
  const key = issuers.find(issuer, kid);
  if (key !== null) return key;
  if (!issuers.knows(issuer))
    throw new TokenRefused(
      "unknown-issuer",
      field,
      `is by ${shown(issuer)}, whom nobody trusts here`,
      "have an administrator add the issuer's JWKS",
    );
  throw new TokenRefused(
    "unknown-key",
    field,
    `names the key ${shown(kid)}, which the issuer does not have`,
    "ask for a new token: the key may have been removed",
  );
}

/** The times of one token by the given clock. */
export function checkTimes(
  { issuedMs, notBeforeMs, expiresMs }: Capability,
  nowMs: number,
  field: string,
): void {
  if (expiresMs <= nowMs)
    throw new TokenRefused("expired", field, `ended at ${formatTime(expiresMs)}`, "ask for a new one");
  if (issuedMs > nowMs + MAX_SKEW_MS)
    throw new TokenRefused(
      "issued-in-future",
      field,
      `was made at ${formatTime(issuedMs)}`,
      "set the clocks",
    );
  // Between hosts clocks differ; where the times of issue and of begin are the same, the first rule is the one that counts.
  if (notBeforeMs > nowMs && notBeforeMs !== issuedMs)
    throw new TokenRefused(
      "not-yet-valid",
      field,
      `holds from ${formatTime(notBeforeMs)} on`,
      "wait until then",
    );
  // One that does not say when it was made is taken for one that was made now.
  if (expiresMs - (issuedMs === 0 ? nowMs : issuedMs) > MAX_LIFETIME_MS)
    throw new TokenRefused(
      "lifetime-too-long",
      field,
      `ends at ${formatTime(expiresMs)}`,
      "make one that lives for at most 90 days",
    );
}

/** `run` of the last link, which its ancestors share if they name one. */
export function checkRun(chain: CapabilityChain, run: VerifyContext["run"]): void {
  const named = chain.at(-1)!.run;
  if (named === null || run === "any" || named === run) return;
  throw new TokenRefused(
    "wrong-run",
    "run",
    `is ${shown(named)}`,
    "use it in that run, or ask for one for this run",
  );
}

/** A host's own tokens may leave the audience out: nobody else trusts its key but by saying so. */
export function checkAudience(audience: string | null, issuer: string, own: string): void {
  if (audience === own || (audience === null && issuer === own)) return;
  throw new TokenRefused(
    "wrong-audience",
    "audience",
    audience === null ? "is missing" : `is ${shown(audience)}`,
    `ask for one for ${shown(own)}`,
  );
}

/** Whoever has such a token may use it, so it has to end soon, or be good for one run alone. */
export function checkBearer(chain: CapabilityChain, holder: PublicJwk | null, nowMs: number): void {
  const { run, expiresMs } = chain.at(-1)!;
  if (holder === null && run === null && expiresMs - nowMs > MAX_BEARER_MS)
    throw new TokenRefused(
      "bearer-too-long",
      "expires_at",
      `is ${formatTime(expiresMs)}, and the token has neither holder nor run`,
      "name a holder's key or a run, or let it end within 5 minutes",
    );
}
