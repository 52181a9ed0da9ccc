import type { KeyObject } from "node:crypto";
import type { CapabilityChain } from "../policy/capability/capability.ts";
import type { PublicJwk } from "./jwk.ts";

/** The forms that a token may have. */
export const ENVELOPES = ["aat-01", "json", "cose"] as const;
export type EnvelopeName = (typeof ENVELOPES)[number];

/** What a token turns out to be. That it was revoked, and that who brings it holds the key, is asked elsewhere. */
export type VerifiedToken = {
  readonly envelope: EnvelopeName;
  /** From the issuer's own to the one that is used. */
  readonly chain: CapabilityChain;
  /** The key that must be proved; null for a token that is good for whoever has it. */
  readonly holder: PublicJwk | null;
  /** SHA-256 of the text of the last token: what a proof of possession names. */
  readonly leafHash: string;
};

/** The keys that are trusted, by the name of their issuer and their id. */
export type IssuerKeys = {
  knows(issuer: string): boolean;
  find(issuer: string, kid: string): KeyObject | null;
};

export type VerifyContext = {
  readonly issuers: IssuerKeys;
  /** The name of this host, which tokens of others must be for. */
  readonly audience: string;
  readonly nowMs: number;
  /** The run that wants to use it; null outside of one, where tokens for a run are looked at and not used. */
  readonly run: string | null | "any";
};

/** One form. `verify` throws TokenRefused, and nothing else for whatever text. */
export type Envelope = {
  readonly name: EnvelopeName;
  recognises(text: string): boolean;
  verify(text: string, context: VerifyContext): VerifiedToken;
};
