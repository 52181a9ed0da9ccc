import { randomUUID } from "node:crypto";
import { askPoints } from "../broker/tokens/ask_points.ts";
import { writeNewFile } from "../broker/tokens/holder_key.ts";
import { type IssuerFile, signingIssuer } from "../broker/tokens/issuer_key.ts";
import { type Imported, recordMinted } from "../broker/tokens/minted.ts";
import { Revocations } from "../broker/tokens/revocations.ts";
import { trustedIssuers } from "../broker/tokens/trusted_issuers.ts";
import { userByUid } from "../broker/user.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { EnvelopeName } from "../tokens/envelope.ts";
import type { PublicJwk } from "../tokens/jwk.ts";
import { mintToken } from "../tokens/mint.ts";
import { type ParsedPayload, parsePayload } from "../tokens/payload.ts";
import { formatRefusal, TokenRefused } from "../tokens/refusal.ts";
import type { Json } from "../tokens/strict_json.ts";
import { formatTime } from "../tokens/time_text.ts";
import { verifyToken } from "../tokens/verify.ts";

export const DEFAULT_LIFE_MS = 300_000;

/** What is to be made; `fields` are those of a payload, but for whose word it is. */
export type IssueOrder = {
  readonly fields: { readonly [field: string]: unknown };
  readonly holder: PublicJwk | null;
  readonly form: EnvelopeName | undefined;
  readonly nowMs: number;
  /** The Biscuit that it is made of. */
  readonly imported?: Imported;
};

/** Makes a token of this host and writes it down. What nobody would take, or was revoked, is not given out: INVALID. */
export async function issueToken(state: string, issuer: IssuerFile, order: IssueOrder): Promise<string> {
  const { nowMs, imported } = order;
  const { parsed, text } = signed(issuer, order);
  // The same questions as at its use, but for the run.
  const context = {
    issuers: trustedIssuers(issuer),
    audience: parsed.audience ?? issuer.name,
    nowMs,
    run: "any" as const,
  };
  const verdict = verifyToken(text, context);
  if (verdict.kind === "refused") throw unmade(formatRefusal(verdict.refusal));
  const { chain } = verdict.token;
  const revocation = new Revocations(state).revoked(chain);
  if (revocation !== null)
    throw unmade(
      `${revocation.by} ${revocation.value} was revoked at ${formatTime(revocation.timeMs)}: choose another, or wait 30 s after a revocation by subject or epoch`,
    );
  const uid = process.geteuid!();
  await askPoints(chain.at(-1)!, userByUid(uid).home, uid);
  await recordMinted(state, verdict.token, imported);
  // After the record: who revokes a Biscuit writes that down first, and then looks for what was made of it.
  const gone = new Revocations(state).biscuitRevoked(imported?.revocationIds ?? []);
  if (gone !== null) throw unmade(`the Biscuit was revoked at ${formatTime(gone.timeMs)}: ask for another`);
  return text;
}

function signed(
  issuer: IssuerFile,
  { fields, holder, form, nowMs }: IssueOrder,
): { readonly parsed: ParsedPayload; readonly text: string } {
  try {
    const payload = {
      capability_id: randomUUID(),
      expires_at: formatTime(nowMs + DEFAULT_LIFE_MS),
      audience: issuer.name,
      ...fields,
      issued_by: issuer.name,
      issued_at: formatTime(nowMs),
    };
    const parsed = parsePayload(payload as unknown as Json, "");
    const { capability, audience } = parsed;
    const envelope = form ?? (holder === null ? "json" : "aat-01");
    return {
      parsed,
      text: mintToken(envelope, { capability, audience: audience!, holder }, signingIssuer(issuer)),
    };
  } catch (error) {
    if (error instanceof TokenRefused) throw unmade(formatRefusal(error.refusal), error.refusal.field);
    throw error;
  }
}

export function giveToken(text: string, out: string | undefined): void {
  if (out === undefined) process.stdout.write(`${text}\n`);
  else writeNewFile(out, `${text}\n`);
}

export function unmade(why: string, field = ""): SallyportError {
  return new SallyportError("INVALID", `Cannot make a token: ${why}`, { field });
}
