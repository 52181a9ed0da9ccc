import { createHash } from "node:crypto";
import type { Capability, CapabilityChain } from "../policy/capability/capability.ts";
import { parseAatClaims } from "./aat_claims.ts";
import { AAT_TYP, splitChain } from "./aat_envelope.ts";
import { coseEnvelope, readCose } from "./cose_envelope.ts";
import type { VerifiedToken } from "./envelope.ts";
import { JSON_TYP, jsonEnvelope } from "./json_envelope.ts";
import { parseJws } from "./jws.ts";
import { type ParsedPayload, parsePayload } from "./payload.ts";
import { TokenRefused } from "./refusal.ts";
import { parseJson } from "./strict_json.ts";

/** What a token says of itself, whoever has signed it and whenever it ends. For people, and for its own holder. Throws TokenRefused. */
export function readUnverified(text: string): VerifiedToken {
  const leafHash = (leaf: string): string => createHash("sha256").update(leaf).digest("base64url");
  const single = (envelope: "json" | "cose", { capability, holder }: ParsedPayload): VerifiedToken => ({
    envelope,
    chain: [capability],
    holder,
    leafHash: leafHash(text),
  });
  if (jsonEnvelope.recognises(text))
    return single(
      "json",
      parsePayload(parseJson(parseJws(text, JSON_TYP, "token").payload, "token.payload"), ""),
    );
  if (coseEnvelope.recognises(text)) return single("cose", parsePayload(readCose(text).payload, ""));
  if (!text.includes("."))
    throw new TokenRefused(
      "unknown-envelope",
      "",
      "is none that is known",
      "give the text that sallyport token mint wrote",
    );
  const parts = splitChain(text);
  const claims = parts.map((part, at) =>
    parseAatClaims(
      parseJson(parseJws(part, AAT_TYP, `chain[${at}]`).payload, `chain[${at}]`),
      `chain[${at}]`,
    ),
  );
  const chain: CapabilityChain = claims.map(({ capability }) => capability) as [Capability, ...Capability[]];
  return { envelope: "aat-01", chain, holder: claims.at(-1)!.holder, leafHash: leafHash(parts.at(-1)!) };
}
