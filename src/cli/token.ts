import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { appendHostLog } from "../audit/hostlog.ts";
import { openLogKey } from "../audit/key.ts";
import { printable } from "../broker/denial.ts";
import { openState, stateDirectory } from "../broker/state.ts";
import { makeHolderKey } from "../broker/tokens/holder_key.ts";
import {
  findIssuer,
  jwksOf,
  openIssuer,
  removeIssuerKey,
  rotateIssuer,
} from "../broker/tokens/issuer_key.ts";
import { type Minted, readMinted } from "../broker/tokens/minted.ts";
import { REVOKE_BY, Revocations, type RevokeBy, revoke } from "../broker/tokens/revocations.ts";
import { tellRuns } from "../broker/tokens/tell_runs.ts";
import { MANAGED_ISSUERS, trustedIssuers } from "../broker/tokens/trusted_issuers.ts";
import type { Capability } from "../policy/capability/capability.ts";
import { SallyportError } from "../protocol/errors.ts";
import { readUnverified } from "../tokens/describe.ts";
import { thumbprint } from "../tokens/jwk.ts";
import { MAX_CHAIN_BYTES } from "../tokens/limits.ts";
import { formatPayload } from "../tokens/payload.ts";
import { formatRefusal, type Refusal, TokenRefused } from "../tokens/refusal.ts";
import { formatTime } from "../tokens/time_text.ts";
import { verifyToken } from "../tokens/verify.ts";

export type TokenFlags = { readonly json?: boolean; readonly state?: string };

/** The state directory, made when it is not there. */
export function tokenState({ state }: TokenFlags): string {
  return openState(stateDirectory(state, homedir()));
}

/** The text of a token file, or of stdin for "-", without the newline at its end. */
export async function readToken(file: string): Promise<string> {
  const fd = file === "-" ? 0 : openToken(file);
  try {
    if (fd !== 0 && fstatSync(fd).size > MAX_CHAIN_BYTES + 1)
      throw new SallyportError(
        "INVALID",
        `Cannot read "${file}": it is longer than a token may be (${MAX_CHAIN_BYTES} bytes)`,
      );
    return readFileSync(fd, "utf8").trimEnd();
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

/** `sallyport token show`: what it says of itself; whether it is right is not asked. */
export async function tokenShow(file: string, flags: TokenFlags): Promise<void> {
  const token = told(await readToken(file));
  const payloads = token.chain.map((capability, at) =>
    formatPayload({
      capability,
      audience: null,
      holder: at === token.chain.length - 1 ? token.holder : null,
    }),
  );
  if (flags.json) {
    console.log(JSON.stringify({ envelope: token.envelope, chain: payloads }));
    return;
  }
  console.log(`form ${token.envelope} · links ${token.chain.length} · not verified`);
  for (const payload of payloads)
    for (const line of JSON.stringify(payload, null, 2).split("\n")) console.log(printable(line));
}

/** `sallyport token verify`: exit 1 and the reason when it would not be taken here, now. */
export async function tokenVerify(
  file: string,
  flags: TokenFlags & { readonly run?: string; readonly issuers?: string },
): Promise<void> {
  const state = tokenState(flags);
  const own = findIssuer(state);
  const issuers = trustedIssuers(own, flags.issuers ?? MANAGED_ISSUERS);
  const context = {
    issuers,
    audience: own?.name ?? "",
    nowMs: Date.now(),
    run: flags.run ?? ("any" as const),
  };
  const verdict = verifyToken(await readToken(file), context);
  const revocation = verdict.kind === "valid" ? new Revocations(state).revoked(verdict.token.chain) : null;
  const refusal: Refusal | null =
    verdict.kind === "refused"
      ? verdict.refusal
      : revocation === null
        ? null
        : {
            reason: "revoked",
            field: revocation.by,
            problem: `was revoked at ${formatTime(revocation.timeMs)}`,
            remedy: "ask for a new one",
          };
  if (refusal !== null) {
    console.log(
      flags.json
        ? JSON.stringify({ valid: false, ...refusal })
        : printable(`refused: ${formatRefusal(refusal)}`),
    );
    process.exitCode = 1;
  } else if (verdict.kind === "valid") {
    const { envelope, chain, holder } = verdict.token;
    const leaf = chain.at(-1)!;
    const facts = {
      envelope,
      id: leaf.id,
      subject: leaf.subject,
      run: leaf.run,
      links: chain.length,
      expires: formatTime(leaf.expiresMs),
      holder: holder === null ? null : thumbprint(holder),
    };
    console.log(
      flags.json ? JSON.stringify({ valid: true, ...facts }) : printable(`valid: ${lineOf(facts)}`),
    );
  }
}

/** `sallyport token list`: what was made here, and what has become of it. */
export function tokenList(flags: TokenFlags): void {
  const state = tokenState(flags);
  const revocations = new Revocations(state);
  const nowMs = Date.now();
  for (const minted of readMinted(state)) {
    const { id, subject, run, envelope, expiresMs } = minted;
    const status =
      revocations.revoked([linkOf(minted)]) !== null ? "revoked" : expiresMs <= nowMs ? "expired" : "active";
    if (flags.json) console.log(JSON.stringify({ ...minted, status }));
    else
      console.log(
        printable(
          `${status.padEnd(8)} ${id} ${lineOf({ envelope, subject, run, expires: formatTime(expiresMs) })}`,
        ),
      );
  }
}

type RevokeFlags = TokenFlags & { readonly [by in RevokeBy]?: string | boolean } & {
  readonly reason?: string;
};

/** `sallyport token revoke`: by exactly one of id, subject, issuer, run, epoch and the revocation id of a Biscuit. On disk, and on record, when it returns. */
export async function tokenRevoke(flags: RevokeFlags): Promise<void> {
  const given = REVOKE_BY.filter((by) => flags[by] !== undefined);
  const [by] = given;
  if (by === undefined || given.length > 1)
    throw new SallyportError(
      "INVALID",
      "Cannot revoke: write exactly one of --id, --subject, --issuer, --run, --epoch and --biscuit",
    );
  const value = by === "epoch" ? "" : String(flags[by]);
  const state = tokenState(flags);
  const timeMs = Date.now();
  await appendHostLog(state, openLogKey(state), {
    kind: "token-revoked",
    run: "",
    about: `${by} ${value}`.trimEnd().slice(0, 200),
    timeMs,
  });
  const reason = flags.reason ?? "";
  await revoke(state, { by, value, timeMs, reason });
  // After the record: what is made of the Biscuit from now on finds that.
  for (const { id, imported } of by === "biscuit" ? readMinted(state) : [])
    if (imported?.revocationIds.includes(value)) await revoke(state, { by: "id", value: id, timeMs, reason });
  const told = await tellRuns(state);
  const what = by === "epoch" ? "every token made until now" : `${by} ${value}`;
  console.log(
    flags.json
      ? JSON.stringify({ by, value, timeMs, runs: told })
      : printable(`revoked: ${what}, and what was derived of it`),
  );
  // On disk it is in any case: a run that does not answer sees it there, if it sees anything.
  if (told.some(({ kind }) => kind === "silent")) process.exitCode = 1;
  if (flags.json) return;
  for (const one of told) {
    if (one.kind === "silent") console.log(printable(`run ${one.run} HAS NOT ANSWERED: ${one.why}`));
    else if (one.revoked.length > 0)
      console.log(printable(`run ${one.run}: ended ${one.revoked.join(", ")}`));
  }
}

/** `sallyport token keys`: the keys that verify what this host signs, as a JWK Set with --json; --new makes the key of a holder. */
export async function tokenKeys(flags: TokenFlags & { readonly new?: string }): Promise<void> {
  if (flags.new !== undefined) {
    const key = makeHolderKey(flags.new);
    console.log(flags.json ? JSON.stringify(key) : `made ${flags.new}, the key ${thumbprint(key)}`);
    return;
  }
  const issuer = await openIssuer(tokenState(flags));
  if (flags.json) {
    console.log(JSON.stringify({ issuer: issuer.name, ...jwksOf(issuer) }));
    return;
  }
  console.log(issuer.name);
  for (const { kid, madeMs, retiredMs } of issuer.keys)
    console.log(
      `${kid} made ${formatTime(madeMs)}${retiredMs === null ? ", signs" : `, verifies only, since ${formatTime(retiredMs)}`}`,
    );
}

/** `sallyport token rotate`: a new key signs from now on; --remove ends an old one with all that it has signed. */
export async function tokenRotate(flags: TokenFlags & { readonly remove?: string }): Promise<void> {
  const state = tokenState(flags);
  const issuer =
    flags.remove === undefined ? await rotateIssuer(state) : await removeIssuerKey(state, flags.remove);
  if (flags.json) console.log(JSON.stringify({ issuer: issuer.name, ...jwksOf(issuer) }));
  else
    console.log(
      flags.remove === undefined
        ? `signs from now on: ${issuer.keys.at(-1)!.kid}`
        : `removed ${flags.remove}`,
    );
}

function told(text: string): ReturnType<typeof readUnverified> {
  try {
    return readUnverified(text);
  } catch (error) {
    if (error instanceof TokenRefused)
      throw new SallyportError("INVALID", `Cannot show the token: ${formatRefusal(error.refusal)}`);
    throw error;
  }
}

function openToken(file: string): number {
  try {
    return openSync(file, "r");
  } catch (error) {
    throw new SallyportError(
      "NOT_FOUND",
      `Cannot read "${file}": ${(error as NodeJS.ErrnoException).code ?? "EIO"}`,
    );
  }
}

/** As much of it as a revocation looks at. */
function linkOf({ id, subject, issuer, run, issuedMs, expiresMs }: Minted): Capability {
  return {
    id,
    subject,
    issuer,
    run,
    issuedMs,
    notBeforeMs: issuedMs,
    expiresMs,
    grants: [],
    budget: {},
    delegationDepth: 0,
    onRevoke: "refuse",
  };
}

function lineOf(facts: { readonly [name: string]: string | number | null }): string {
  return Object.entries(facts)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${value}`)
    .join(" · ");
}
