import { sign } from "node:crypto";
import type { Capability, Grant } from "../../src/policy/capability/capability.ts";
import { derive, type Narrower } from "../../src/tokens/derive.ts";
import type { EnvelopeName, IssuerKeys, VerifyContext } from "../../src/tokens/envelope.ts";
import {
  newKey,
  type PrivateJwk,
  privateKey,
  publicHalf,
  publicKey,
  thumbprint,
} from "../../src/tokens/jwk.ts";
import { type Issuer, type MintOrder, mintToken } from "../../src/tokens/mint.ts";

/** A host of its own with an issuer and three holders, at a time that stands still. */

export const NOW: number = Date.UTC(2026, 10, 24, 12);
export const HOST = "urn:sallyport:host:test";
export const RUN = "r-1";

export const issuerJwk: PrivateJwk = newKey();
export const issuer: Issuer = issuerOf(HOST, issuerJwk);
export const holders: readonly [PrivateJwk, PrivateJwk, PrivateJwk] = [newKey(), newKey(), newKey()];

export function issuerOf(name: string, jwk: PrivateJwk): Issuer {
  return { name, kid: thumbprint(publicHalf(jwk)), key: privateKey(jwk) };
}

export function keysOf(...known: readonly (readonly [string, PrivateJwk])[]): IssuerKeys {
  return {
    knows: (name) => known.some(([issuer]) => issuer === name),
    find: (name, kid) => {
      const found = known.find(([issuer, jwk]) => issuer === name && thumbprint(publicHalf(jwk)) === kid);
      return found === undefined ? null : publicKey(publicHalf(found[1]));
    },
  };
}

export const context: VerifyContext = {
  issuers: keysOf([HOST, issuerJwk]),
  audience: HOST,
  nowMs: NOW,
  run: RUN,
};

export const GRANTS: readonly Grant[] = [
  { action: "read", target: { kind: "path", pattern: "/w/reports/*.pdf" } },
  { action: "write", target: { kind: "path", pattern: "/w/drafts/*.md" }, maxSizeBytes: 102_400 },
];

export function order(change: Partial<Capability> = {}, holder: PrivateJwk | null = holders[0]): MintOrder {
  return {
    capability: {
      id: "c-1",
      subject: "planner",
      run: RUN,
      issuedMs: NOW - 60_000,
      notBeforeMs: NOW - 60_000,
      expiresMs: NOW + 600_000,
      grants: GRANTS,
      budget: { maxUses: 10 },
      delegationDepth: 4,
      onRevoke: "refuse",
      ...change,
    },
    audience: HOST,
    holder: holder === null ? null : publicHalf(holder),
  };
}

export function mint(
  envelope: EnvelopeName = "aat-01",
  change: Partial<Capability> = {},
  holder: PrivateJwk | null = holders[0],
): string {
  return mintToken(envelope, order(change, holder), issuer);
}

/** A chain of three: the issuer's for the first holder, theirs for the second, theirs for the third. */
export function chainOfThree(second: Narrower = {}, third: Narrower = {}): string {
  const one = derive(
    mint(),
    { capability_id: "c-2", holder: publicHalf(holders[1]), ...second },
    holders[0],
    NOW,
  );
  return derive(one, { capability_id: "c-3", holder: publicHalf(holders[2]), ...third }, holders[1], NOW);
}

/** A compact JWS of whatever header and payload, signed or with the signature that is given. */
export function rawJws(header: unknown, payload: unknown, key: PrivateJwk | Uint8Array): string {
  const encode = (part: unknown): string =>
    Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = key instanceof Uint8Array ? key : sign(null, Buffer.from(input), privateKey(key));
  return `${input}.${Buffer.from(signature).toString("base64url")}`;
}

export type Claims = { [name: string]: unknown };

/** The header and the claims of the last token of a chain. */
export function partsOf(text: string): { readonly header: Claims; readonly claims: Claims } {
  const [header, claims] = text
    .slice(text.lastIndexOf("~") + 1)
    .split(".")
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()) as Claims);
  return { header: header!, claims: claims! };
}

/** The same text with other claims or header in its last token, signed by `key`. */
export function resigned(
  text: string,
  key: PrivateJwk,
  change: Claims | ((claims: Claims) => Claims) = {},
  header: Claims = {},
): string {
  const parts = partsOf(text);
  const claims = typeof change === "function" ? change(parts.claims) : { ...parts.claims, ...change };
  const before = text.slice(0, text.lastIndexOf("~") + 1);
  return before + rawJws({ ...parts.header, ...header }, claims, key);
}

/** A token of this host's issuer that any run may be shown, good for four minutes from now; without a holder it is good for its bearer. */
export function presentable(
  id: string,
  grants: readonly Grant[],
  holder: PrivateJwk | null = null,
  change: Partial<Capability> = {},
): string {
  const now = Date.now();
  const life = { issuedMs: now, notBeforeMs: now - 1000, expiresMs: now + 240_000 };
  const { capability } = order({
    ...{ id, subject: "agent", run: null, grants, delegationDepth: 0, budget: {} },
    ...{ ...life, ...change },
  });
  const whose = holder === null ? null : publicHalf(holder);
  return mintToken(
    holder === null ? "json" : "aat-01",
    { capability, audience: HOST, holder: whose },
    issuer,
  );
}
