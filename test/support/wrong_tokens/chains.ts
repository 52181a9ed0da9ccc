import { derive } from "../../../src/tokens/derive.ts";
import { publicHalf } from "../../../src/tokens/jwk.ts";
import { mintToken } from "../../../src/tokens/mint.ts";
import { chainOfThree, HOST, issuerOf, keysOf, mint, NOW, order, resigned } from "../tokens.ts";
import {
  type Case,
  child,
  first,
  foreign,
  granting,
  json,
  root,
  second,
  seconds,
  withoutClaim,
  withoutKid,
} from "./wrong_token.ts";

export const TIMES: readonly Case[] = [
  ["ended a second ago", "expired", "chain[0].exp", () => mint(), { nowMs: NOW + 601_000 }],
  ["ends now", "expired", "chain[0].exp", () => mint(), { nowMs: NOW + 600_000 }],
  ["a JSON token that ended", "expired", "expires_at", () => mint("json"), { nowMs: NOW + 600_000 }],
  ["a COSE token that ended", "expired", "expires_at", () => mint("cose"), { nowMs: NOW + 600_000 }],
  [
    "a derived token that ended before its parent",
    "expired",
    "chain[1].exp",
    () => child({ exp: seconds(NOW + 1000) }),
    { nowMs: NOW + 1000 },
  ],
  ["made 31 s from now", "issued-in-future", "chain[0].exp", () => root({ iat: seconds(NOW + 31_000) })],
  [
    "a derived token made 31 s from now",
    "issued-in-future",
    "chain[1].exp",
    () => child({ iat: seconds(NOW + 31_000) }),
  ],
  ["does not hold yet", "not-yet-valid", "chain[0].exp", () => mint("aat-01", { notBeforeMs: NOW + 1000 })],
  [
    "a JSON token that does not hold yet",
    "not-yet-valid",
    "expires_at",
    () => mint("json", { notBeforeMs: NOW + 1000 }),
  ],
  [
    "lives for 91 days",
    "lifetime-too-long",
    "chain[0].exp",
    () => mint("aat-01", { expiresMs: NOW + 91 * 86_400_000 }),
  ],
  [
    "does not say when it was made and ends in 91 days",
    "lifetime-too-long",
    "expires_at",
    () => json((claims) => ({ ...withoutClaim("issued_at")(claims), expires_at: "2027-02-23T12:00:01Z" })),
  ],
  [
    "whoever has it may use it for an hour",
    "bearer-too-long",
    "expires_at",
    () => mint("json", { run: null, expiresMs: NOW + 3_600_000 }, null),
  ],
  [
    "the same as COSE",
    "bearer-too-long",
    "expires_at",
    () => mint("cose", { run: null, expiresMs: NOW + 300_001 + 999 }, null),
  ],
];

export const CHAINS: readonly Case[] = [
  [
    "a derived token behind another parent of the same holder",
    "wrong-parent",
    "chain[1].par_hash",
    () => `${mint("aat-01", { id: "c-9" })}~${child().split("~")[1]!}`,
  ],
  [
    "a derived token without the digest of its parent",
    "wrong-parent",
    "chain[1].par_hash",
    () => child(withoutClaim("par_hash")),
  ],
  [
    "a first token with a parent",
    "wrong-parent",
    "chain[0].par_hash",
    () => root({ par_hash: "A".repeat(43) }),
  ],
  [
    "a link left out",
    "bad-signature",
    "chain[1]",
    () => {
      const [one, , three] = chainOfThree().split("~");
      return `${one}~${withoutKid(three!)}`;
    },
  ],
  [
    "a link left out, with its kid",
    "wrong-signer",
    "chain[1].header.kid",
    () => {
      const [one, , three] = chainOfThree().split("~");
      return `${one}~${three}`;
    },
  ],
  [
    "two links exchanged",
    "wrong-signer",
    "chain[1].header.kid",
    () => {
      const [one, two, three] = chainOfThree().split("~");
      return [one, three, two].join("~");
    },
  ],
  [
    "the last link twice",
    "wrong-signer",
    "chain[2].header.kid",
    () => `${child()}~${child().split("~")[1]!}`,
  ],
  ["the first link twice", "wrong-signer", "chain[1].header.kid", () => `${mint()}~${mint()}`],
  ["a derived token that names another issuer", "wrong-signer", "chain[1].iss", () => child({ iss: HOST })],
  ["a derived token that takes no step", "wrong-depth", "chain[1].del_depth", () => child({ del_depth: 0 })],
  [
    "a derived token that takes two steps",
    "wrong-depth",
    "chain[1].del_depth",
    () => child({ del_depth: 2 }),
  ],
  ["a first token that is not the first", "wrong-depth", "chain[0].del_depth", () => root({ del_depth: 1 })],
  [
    "a derived token that allows more steps",
    "wrong-depth",
    "chain[1].del_max_depth",
    () => child({ del_max_depth: 5 }),
  ],
  [
    "a derived token with the id of its parent",
    "widened",
    "chain[1].capability_id",
    () => child({ jti: "c-1" }),
  ],
  [
    "a derived token with the id of an older one",
    "duplicate-id",
    "chain[2].jti",
    () => resigned(chainOfThree(), second, { jti: "c-1" }),
  ],
  [
    "for another host, in a derived token",
    "wrong-audience",
    "chain[1].aud",
    () => child({ aud: "urn:sallyport:host:else" }),
  ],
];

export const WIDENED: readonly Case[] = [
  [
    "an action that the parent does not grant",
    "widened",
    "chain[1].actions[0].action",
    () => child(granting("delete", { path: "/w/drafts/a.md" })),
  ],
  [
    "a path beside the parent's",
    "widened",
    "chain[1].actions[0].path",
    () => child(granting("read", { path: "/etc/passwd" })),
  ],
  [
    "a pattern around the parent's",
    "widened",
    "chain[1].actions[0].path",
    () => child(granting("read", { path: "/w/reports/**" })),
  ],
  [
    "a larger size",
    "widened",
    "chain[1].actions[0].max_size",
    () => child(granting("write", { path: "/w/drafts/*.md", max_size: 102_401 })),
  ],
  [
    "no size",
    "widened",
    "chain[1].actions[0].max_size",
    () => child(granting("write", { path: "/w/drafts/*.md" })),
  ],
  ["a later end", "widened", "chain[1].expires_at", () => child({ exp: seconds(NOW + 601_000) })],
  [
    "an earlier begin",
    "widened",
    "chain[1].not_before",
    () => child({ iat: seconds(NOW - 61_000), nbf: seconds(NOW - 61_000) }),
  ],
  ["another run", "widened", "chain[1].run", () => child({ run: "r-2" })],
  ["every run", "widened", "chain[1].run", () => child(withoutClaim("run"))],
  ["another subject", "widened", "chain[1].subject", () => child({ sub: "boss" })],
  [
    "a larger budget",
    "widened",
    "chain[1].budget.max_uses",
    () => child({ sallyport: { budget: { max_uses: 11 } } }),
  ],
  ["no budget", "widened", "chain[1].budget.max_uses", () => child(withoutClaim("sallyport"))],
  [
    "a milder end",
    "widened",
    "chain[1].on_revoke",
    () => {
      const strict = derive(mint("aat-01", { onRevoke: "kill" }), { holder: publicHalf(second) }, first, NOW);
      return resigned(strict, first, { sallyport: { budget: { max_uses: 10 }, on_revoke: "freeze" } });
    },
  ],
  [
    "only in the third step",
    "widened",
    "chain[2].actions[0].path",
    () =>
      resigned(
        chainOfThree({ actions: [{ action: "read", path: "/w/reports/a.pdf" }] }),
        second,
        granting("read", { path: "/w/reports/*.pdf" }),
      ),
  ],
];

export const BOUND: readonly Case[] = [
  ["for another host", "wrong-audience", "audience", () => root({ aud: "urn:sallyport:host:else" })],
  [
    "a JSON token for another host",
    "wrong-audience",
    "audience",
    () => json({ audience: "urn:sallyport:host:else" }),
  ],
  [
    "of a trusted issuer elsewhere, for nobody by name",
    "wrong-audience",
    "audience",
    () =>
      resigned(mintToken("json", order(), issuerOf("urn:else", foreign)), foreign, withoutClaim("audience")),
    { issuers: keysOf(["urn:else", foreign]) },
  ],
  ["for another run", "wrong-run", "run", () => mint(), { run: "r-2" }],
  ["a JSON token for another run", "wrong-run", "run", () => mint("json"), { run: "r-2" }],
  ["for a run, used outside of one", "wrong-run", "run", () => chainOfThree(), { run: null }],
];
