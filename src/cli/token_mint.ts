import { randomUUID } from "node:crypto";
import { askPoints } from "../broker/tokens/ask_points.ts";
import { readHolder, readHolderKey, writeNewFile } from "../broker/tokens/holder_key.ts";
import { openIssuer, signingIssuer } from "../broker/tokens/issuer_key.ts";
import { recordMinted } from "../broker/tokens/minted.ts";
import { Revocations } from "../broker/tokens/revocations.ts";
import { trustedIssuers } from "../broker/tokens/trusted_issuers.ts";
import { userByUid } from "../broker/user.ts";
import { SallyportError } from "../protocol/errors.ts";
import { derive, type Narrower } from "../tokens/derive.ts";
import type { EnvelopeName } from "../tokens/envelope.ts";
import { mintToken } from "../tokens/mint.ts";
import { type ParsedPayload, parsePayload } from "../tokens/payload.ts";
import { formatRefusal, TokenRefused } from "../tokens/refusal.ts";
import type { Json } from "../tokens/strict_json.ts";
import { formatTime } from "../tokens/time_text.ts";
import { verifyToken } from "../tokens/verify.ts";
import { readToken, type TokenFlags, tokenState } from "./token.ts";
import { type OrderFlags, orderOf } from "./token_order.ts";

type MintFlags = TokenFlags &
  OrderFlags & {
    readonly holder?: string;
    readonly form?: EnvelopeName;
    readonly audience?: string;
    readonly out?: string;
  };

const DEFAULT_LIFE_MS = 300_000;

/** `sallyport token mint`: makes a token of this host, writes it down, and prints it or puts it into a new file. */
export async function tokenMint(flags: MintFlags): Promise<void> {
  const state = tokenState(flags);
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const issuer = await openIssuer(state);
  const holder = flags.holder === undefined ? null : readHolder(flags.holder);
  const order = orderOf(flags, nowMs);
  for (const field of ["issued_by", "issued_at", "holder"])
    if (field in order)
      throw new SallyportError(
        "INVALID",
        `Cannot make a token: field "${field}" is not the order's to say: leave it out`,
        { field },
      );
  const parsed = read({
    capability_id: randomUUID(),
    expires_at: formatTime(nowMs + DEFAULT_LIFE_MS),
    audience: flags.audience ?? issuer.name,
    ...order,
    issued_by: issuer.name,
    issued_at: formatTime(nowMs),
  });
  const form = flags.form ?? (holder === null ? "json" : "aat-01");
  const text = signed(form, { ...parsed, holder }, signingIssuer(issuer));
  // What nobody would take is not given out: the same questions as at its use, but for the run.
  const context = {
    issuers: trustedIssuers(issuer),
    audience: parsed.audience ?? issuer.name,
    nowMs,
    run: "any" as const,
  };
  const verdict = verifyToken(text, context);
  if (verdict.kind === "refused") throw unmade(formatRefusal(verdict.refusal));
  const revocation = new Revocations(state).revoked(verdict.token.chain);
  if (revocation !== null)
    throw unmade(
      `${revocation.by} ${revocation.value} was revoked at ${formatTime(revocation.timeMs)}: choose another, or wait 30 s after a revocation by subject or epoch`,
    );
  const uid = process.geteuid!();
  await askPoints(verdict.token.chain.at(-1)!, userByUid(uid).home, uid);
  await recordMinted(state, verdict.token);
  give(text, flags.out);
}

/** `sallyport token attenuate`: makes a narrower token of a chain, offline. */
export async function tokenAttenuate(
  file: string,
  flags: MintFlags & { readonly key: string },
): Promise<void> {
  const nowMs = Date.now();
  const holder = flags.holder === undefined ? {} : { holder: readHolder(flags.holder) };
  const narrower = { ...orderOf(flags, nowMs), ...holder } as Narrower;
  give(derive(await readToken(file), narrower, readHolderKey(flags.key), nowMs), flags.out);
}

function read(payload: object): ParsedPayload {
  try {
    return parsePayload(payload as unknown as Json, "");
  } catch (error) {
    if (error instanceof TokenRefused) throw unmade(formatRefusal(error.refusal), error.refusal.field);
    throw error;
  }
}

function signed(
  form: EnvelopeName,
  { capability, audience, holder }: ParsedPayload,
  issuer: ReturnType<typeof signingIssuer>,
): string {
  try {
    return mintToken(form, { capability, audience: audience!, holder }, issuer);
  } catch (error) {
    if (error instanceof TokenRefused) throw unmade(formatRefusal(error.refusal), error.refusal.field);
    throw error;
  }
}

function give(text: string, out: string | undefined): void {
  if (out === undefined) process.stdout.write(`${text}\n`);
  else writeNewFile(out, `${text}\n`);
}

function unmade(why: string, field = ""): SallyportError {
  return new SallyportError("INVALID", `Cannot make a token: ${why}`, { field });
}
