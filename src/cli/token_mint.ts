import { readHolder, readHolderKey } from "../broker/tokens/holder_key.ts";
import { openIssuer } from "../broker/tokens/issuer_key.ts";
import { derive, type Narrower } from "../tokens/derive.ts";
import type { EnvelopeName } from "../tokens/envelope.ts";
import { readToken, type TokenFlags, tokenState } from "./token.ts";
import { giveToken, issueToken, unmade } from "./token_issue.ts";
import { type OrderFlags, orderOf } from "./token_order.ts";

export type MintFlags = TokenFlags &
  OrderFlags & {
    readonly holder?: string;
    readonly form?: EnvelopeName;
    readonly audience?: string;
    readonly out?: string;
  };

/** `sallyport token mint`: makes a token of this host, writes it down, and prints it or puts it into a new file. */
export async function tokenMint(flags: MintFlags): Promise<void> {
  const state = tokenState(flags);
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const issuer = await openIssuer(state);
  const holder = flags.holder === undefined ? null : readHolder(flags.holder);
  const order = orderOf(flags, nowMs);
  for (const field of ["issued_by", "issued_at", "holder"])
    if (field in order) throw unmade(`field "${field}" is not the order's to say: leave it out`, field);
  const fields = { audience: flags.audience ?? issuer.name, ...order };
  giveToken(await issueToken(state, issuer, { fields, holder, form: flags.form, nowMs }), flags.out);
}

/** `sallyport token attenuate`: makes a narrower token of a chain, offline. */
export async function tokenAttenuate(
  file: string,
  flags: MintFlags & { readonly key: string },
): Promise<void> {
  const nowMs = Date.now();
  const holder = flags.holder === undefined ? {} : { holder: readHolder(flags.holder) };
  const narrower = { ...orderOf(flags, nowMs), ...holder } as Narrower;
  giveToken(derive(await readToken(file), narrower, readHolderKey(flags.key), nowMs), flags.out);
}
