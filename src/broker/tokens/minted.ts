import { join } from "node:path";
import type { Capability } from "../../policy/capability/capability.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { EnvelopeName, VerifiedToken } from "../../tokens/envelope.ts";
import { thumbprint } from "../../tokens/jwk.ts";
import { appendLine, readAll } from "./line_store.ts";
import { tokenDirectory } from "./place.ts";

/** <state>/tokens/minted.jsonl: what was made here, a record a line. The tokens themselves are not kept: they are what is secret of them. */
export type Minted = {
  readonly v: 1;
  readonly id: string;
  readonly subject: string;
  readonly issuer: string;
  readonly run: string | null;
  readonly envelope: EnvelopeName;
  readonly issuedMs: number;
  readonly expiresMs: number;
  /** The thumbprint of the holder's key. */
  readonly holder: string | null;
  readonly actions: number;
  /** Of one that was made of a Biscuit. */
  readonly imported?: Imported;
};
/** A Biscuit: its root key and the revocation ids of its blocks, in hex. */
export type Imported = { readonly rootKey: string; readonly revocationIds: readonly string[] };

const FILE = "minted.jsonl";
/** How long after its end a token is still listed. */
const KEEP_MS = 7 * 24 * 3_600_000;

/** Writes down a token before anybody has it. */
export async function recordMinted(
  state: string,
  { envelope, chain, holder }: VerifiedToken,
  imported?: Imported,
): Promise<Minted> {
  const capability: Capability = chain.at(-1)!;
  const { id, subject, issuer, run, issuedMs, expiresMs, grants } = capability;
  const record: Minted = {
    v: 1,
    id,
    subject,
    issuer,
    run,
    envelope,
    issuedMs,
    expiresMs,
    holder: holder === null ? null : thumbprint(holder),
    actions: grants.length,
    ...(imported === undefined ? {} : { imported }),
  };
  const before = Date.now() - KEEP_MS;
  await appendLine(join(tokenDirectory(state), FILE), record, (old) => parseMinted(old).expiresMs > before);
  return record;
}

/** Oldest first. */
export function readMinted(state: string): readonly Minted[] {
  return readAll(join(tokenDirectory(state), FILE)).map(parseMinted);
}

function parseMinted(value: unknown): Minted {
  const { v, id, subject, issuer, expiresMs, issuedMs } = (value ?? {}) as Partial<Minted>;
  const isRight =
    v === 1 &&
    [id, subject, issuer].every((text) => typeof text === "string") &&
    Number.isSafeInteger(expiresMs) &&
    Number.isSafeInteger(issuedMs);
  if (isRight) return value as Minted;
  throw new SallyportError("SETUP", `Cannot read "${FILE}": a record is none of a token`);
}
