import { createHash } from "node:crypto";
import { encodeCbor, tagged } from "../../../src/tokens/cbor.ts";
import { derive } from "../../../src/tokens/derive.ts";
import type { VerifyContext } from "../../../src/tokens/envelope.ts";
import { newKey, type PrivateJwk, publicHalf, thumbprint } from "../../../src/tokens/jwk.ts";
import type { RefusalReason } from "../../../src/tokens/refusal.ts";
import { type Claims, holders, issuer, issuerJwk, mint, NOW, partsOf, rawJws, resigned } from "../tokens.ts";

/** A wrong token: what is wrong with it, the reason and field by which it is refused, and the text itself. */
export type Case = readonly [
  name: string,
  reason: RefusalReason,
  field: string,
  make: () => string,
  context?: Partial<VerifyContext>,
];

export const first: PrivateJwk = holders[0];
export const second: PrivateJwk = holders[1];
const third: PrivateJwk = holders[2];
export const foreign: PrivateJwk = newKey();
export const SECOND = 1000;
export const seconds = (ms: number): number => Math.floor(ms / SECOND);
export const json = (change: Claims | ((claims: Claims) => Claims) = {}, header: Claims = {}): string =>
  resigned(mint("json"), issuerJwk, change, header);
export const root = (change: Claims | ((claims: Claims) => Claims) = {}, header: Claims = {}): string =>
  resigned(mint(), issuerJwk, change, header);
/** A chain of two whose second token is signed by the right key, with what is changed in it. */
export const child = (change: Claims | ((claims: Claims) => Claims) = {}, header: Claims = {}): string =>
  resigned(
    derive(mint(), { capability_id: "c-2", holder: publicHalf(second) }, first, NOW),
    first,
    change,
    header,
  );
export const granting = (tool: string, ...any: object[]): Claims => ({
  authorization_details: [
    {
      type: "attenuating_agent_token",
      tools: {
        [`urn:sallyport:action:${tool}`]: {
          target: { constraint_type: "urn:sallyport:constraint:grants", any },
        },
      },
    },
  ],
});
export const withoutClaim =
  (name: string) =>
  ({ [name]: _gone, ...rest }: Claims): Claims =>
    rest;
export const flipped = (text: string, part: number): string => {
  const parts = text.split(".");
  const bytes = Buffer.from(parts[part]!, "base64url");
  bytes[bytes.length >> 1]! ^= 1;
  parts[part] = bytes.toString("base64url");
  return parts.join(".");
};
export const cose = (edit: (bytes: Buffer) => Buffer): string =>
  edit(Buffer.from(mint("cose"), "base64url")).toString("base64url");
export const coseOf = (
  header: Map<number, unknown>,
  payload: unknown = new Map(),
  open: unknown = new Map(),
): string =>
  tagged(18, [
    encodeCbor(header as never),
    open as never,
    encodeCbor(payload as never),
    Buffer.alloc(64),
  ]).toString("base64url");
export const coseHeader = (...more: [number, unknown][]): Map<number, unknown> =>
  new Map<number, unknown>([
    [1, -8],
    [4, Buffer.from(issuer.kid)],
    [16, "sallyport-capability+cose"],
    ...more,
  ]);

/** A token behind `before` that is right in all but `claims`. */
export function linked(before: string, claims: Claims, key: typeof first): string {
  const template = derive(mint(), { holder: publicHalf(third) }, first, NOW);
  const parent = before.slice(before.lastIndexOf("~") + 1);
  const hash = hashOfInput(parent);
  const iss = `urn:ietf:params:oauth:jwk-thumbprint:sha-256:${thumbprint(publicHalf(key))}`;
  return `${before}~${rawJws({ ...partsOf(template).header, kid: thumbprint(publicHalf(key)) }, { ...claims, iss, par_hash: hash }, key)}`;
}

export function withoutKid(text: string): string {
  const [, ...rest] = text.split(".");
  const header = Buffer.from(JSON.stringify({ alg: "EdDSA", typ: "aat+jwt" })).toString("base64url");
  return [header, ...rest].join(".");
}

export function hashOfInput(text: string): string {
  return createHash("sha256")
    .update(text.slice(0, text.lastIndexOf(".")))
    .digest("base64url");
}
