import type { KeyObject } from "node:crypto";
import type { Capability } from "../policy/capability/capability.ts";
import { signAat } from "./aat_envelope.ts";
import { signCose } from "./cose_envelope.ts";
import type { EnvelopeName } from "./envelope.ts";
import { signPayload } from "./json_envelope.ts";
import type { PublicJwk } from "./jwk.ts";
import { TokenRefused } from "./refusal.ts";

/** Whoever makes tokens: the name that they say, and one of its keys. */
export type Issuer = { readonly name: string; readonly kid: string; readonly key: KeyObject };

/** What goes into a token. Only a chain must have a holder; without one a token is good for whoever has it. */
export type MintOrder = {
  readonly capability: Omit<Capability, "issuer">;
  readonly audience: string;
  readonly holder: PublicJwk | null;
};

/** Signs a first token. Times are cut to whole seconds, never to a longer life. Throws TokenRefused where the form can not carry it. */
export function mintToken(envelope: EnvelopeName, order: MintOrder, issuer: Issuer): string {
  const { audience, holder } = order;
  const { issuedMs, notBeforeMs, expiresMs } = order.capability;
  const capability: Capability = {
    ...order.capability,
    issuer: issuer.name,
    issuedMs: Math.floor(issuedMs / 1000) * 1000,
    notBeforeMs:
      notBeforeMs === issuedMs ? Math.floor(issuedMs / 1000) * 1000 : Math.ceil(notBeforeMs / 1000) * 1000,
    expiresMs: Math.floor(expiresMs / 1000) * 1000,
  };
  if (envelope === "json") return signPayload({ capability, audience, holder }, issuer.kid, issuer.key);
  if (envelope === "cose") return signCose({ capability, audience, holder }, issuer.kid, issuer.key);
  if (holder === null)
    throw new TokenRefused(
      "holder-missing",
      "holder",
      "is missing, and a chain is always for the holder of a key",
      "name a key, or choose another form",
    );
  const { delegationDepth: maxDepth } = capability;
  return signAat(
    { capability, audience, holder, depth: 0, maxDepth, parentHash: null },
    issuer.kid,
    issuer.key,
  );
}
