import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { readHolder } from "../broker/tokens/holder_key.ts";
import { openIssuer } from "../broker/tokens/issuer_key.ts";
import { SallyportError } from "../protocol/errors.ts";
import { formatGrant } from "../tokens/action_fields.ts";
import { type Biscuit, readBiscuit } from "../tokens/biscuit/biscuit.ts";
import { biscuitBytes, parseRootKey } from "../tokens/biscuit/text.ts";
import { MAX_TOKEN_BYTES } from "../tokens/limits.ts";
import { formatRefusal, TokenRefused } from "../tokens/refusal.ts";
import { formatTime } from "../tokens/time_text.ts";
import { tokenState } from "./token.ts";
import { DEFAULT_LIFE_MS, giveToken, issueToken } from "./token_issue.ts";
import type { MintFlags } from "./token_mint.ts";
import { orderOf } from "./token_order.ts";

export type ImportFlags = Omit<MintFlags, "from" | "workspace"> & {
  readonly biscuit: string;
  readonly rootKey: string;
  readonly subject: string;
  readonly audience: string;
};

/**
 * `sallyport token import`: verifies a Biscuit under the root key that is named, and makes a token of this host with what it lets be
 * done. Whom that is for is the caller's word alone: a Biscuit is good for whoever has it.
 */
export async function tokenImport(flags: ImportFlags): Promise<void> {
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const { biscuit, rootKey } = read(flags);
  const order = orderOf(flags, nowMs);
  const asked =
    typeof order["expires_at"] === "string" ? Date.parse(order["expires_at"]) : nowMs + DEFAULT_LIFE_MS;
  const state = tokenState(flags);
  const issuer = await openIssuer(state);
  const holder = flags.holder === undefined ? null : readHolder(flags.holder);
  const text = await issueToken(state, issuer, {
    fields: {
      ...order,
      audience: flags.audience,
      actions: biscuit.grants.map(formatGrant),
      // Never after its own end, whatever is asked for.
      expires_at: formatTime(Math.min(asked, biscuit.expiresMs ?? asked)),
      ...(biscuit.notBeforeMs === null || biscuit.notBeforeMs <= nowMs
        ? {}
        : { not_before: formatTime(biscuit.notBeforeMs) }),
    },
    holder,
    form: flags.form,
    nowMs,
    imported: { rootKey, revocationIds: biscuit.revocationIds },
  });
  giveToken(text, flags.out);
}

function read(flags: ImportFlags): { readonly biscuit: Biscuit; readonly rootKey: string } {
  try {
    const root = parseRootKey(flags.rootKey);
    const rootKey = Buffer.from(root.x, "base64url").toString("hex");
    return { biscuit: readBiscuit(biscuitBytes(readContent(flags.biscuit)), root), rootKey };
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    const { refusal } = error;
    throw new SallyportError("INVALID", `Cannot import the Biscuit: ${formatRefusal(refusal)}`, {
      field: refusal.field,
      expected: refusal.remedy,
    });
  }
}

function readContent(file: string): Buffer {
  let fd = 0;
  try {
    if (file !== "-") fd = openSync(file, "r");
    // Base64 takes a third more.
    if (fd !== 0 && fstatSync(fd).size > MAX_TOKEN_BYTES * 2)
      throw new TokenRefused(
        "too-large",
        "biscuit",
        `is longer than ${MAX_TOKEN_BYTES} bytes`,
        "take the Biscuit as it was made",
      );
    return readFileSync(fd);
  } catch (error) {
    if (error instanceof TokenRefused) throw error;
    throw new SallyportError(
      "NOT_FOUND",
      `Cannot read "${file}": ${(error as NodeJS.ErrnoException).code ?? "EIO"}`,
    );
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}
