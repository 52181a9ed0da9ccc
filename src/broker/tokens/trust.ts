import { existsSync } from "node:fs";
import type { CapabilityChain } from "../../policy/capability/capability.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { formatRefusal } from "../../tokens/refusal.ts";
import { verifyToken } from "../../tokens/verify.ts";
import { findIssuer } from "./issuer_key.ts";
import { Revocations } from "./revocations.ts";
import type { Trust } from "./run_tokens.ts";
import { MANAGED_ISSUERS, trustedIssuers } from "./trusted_issuers.ts";

/** Whom the runs of a state directory believe; null where there is no issuer, so that no token can be right. Throws SETUP. */
export function openTrust(state: string): Trust | null {
  const own = findIssuer(state);
  if (own === null && !existsSync(MANAGED_ISSUERS)) return null;
  return { issuers: trustedIssuers(own), audience: own?.name ?? "", revocations: new Revocations(state) };
}

/**
 * The chain of a token that a person starts a run with. No proof of possession is asked for: whoever starts a run has more than any token
 * leaves of it. Throws INVALID with what is wrong.
 */
export function chainOf(text: string, trust: Trust | null): CapabilityChain {
  const refuse = (why: string): never => {
    throw new SallyportError("INVALID", `Cannot start with a token: ${why}`, { errno: "EACCES" });
  };
  if (trust === null)
    return refuse("no issuer is known here; make a token of this host: sallyport token mint");
  const { issuers, audience, revocations } = trust;
  const verdict = verifyToken(text, { issuers, audience, nowMs: Date.now(), run: null });
  if (verdict.kind === "refused") return refuse(formatRefusal(verdict.refusal));
  const { chain } = verdict.token;
  const revoked = revocations.revoked(chain);
  return revoked === null
    ? chain
    : refuse(`it was revoked by ${revoked.by} ${revoked.value}; ask for a new one`);
}
