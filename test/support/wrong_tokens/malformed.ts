import { tagged } from "../../../src/tokens/cbor.ts";
import { derive } from "../../../src/tokens/derive.ts";
import { publicHalf } from "../../../src/tokens/jwk.ts";
import { chainOfThree, HOST, issuerJwk, mint, NOW, partsOf, rawJws } from "../tokens.ts";
import {
  type Case,
  child,
  cose,
  coseHeader,
  coseOf,
  first,
  granting,
  json,
  linked,
  root,
  second,
  withoutClaim,
} from "./wrong_token.ts";

export const FORMS: readonly Case[] = [
  ["nothing", "unknown-envelope", "", () => ""],
  ["a word", "unknown-envelope", "", () => "letmein"],
  ["two parts", "malformed", "chain[0]", () => mint().split(".").slice(0, 2).join(".")],
  ["four parts", "malformed", "chain[0]", () => `${mint()}.AA`],
  ["five parts, as encrypted ones have", "malformed", "chain[0]", () => "e30.e30.e30.e30.e30"],
  ["base64 with padding", "not-base64url", "chain[0].signature", () => `${mint()}==`],
  ["base64 with other letters", "not-base64url", "chain[0].payload", () => mint().replace(".", ".+/")],
  [
    "base64url with bits left over",
    "not-base64url",
    "chain[0].signature",
    () => `${mint().slice(0, -1)}${mint().endsWith("B") ? "C" : "B"}`,
  ],
  [
    "a line break inside",
    "not-base64url",
    "chain[0].payload",
    () => mint().replace(/^([^.]*\..{20})/, "$1\n"),
  ],
  [
    "a payload that is no JSON",
    "bad-json",
    "chain[0].payload",
    () => rawJws(partsOf(mint()).header, "{", issuerJwk),
  ],
  [
    "a payload behind a byte order mark",
    "bad-json",
    "chain[0].payload",
    () => rawJws(partsOf(mint()).header, "\ufeff{}", issuerJwk),
  ],
  [
    "a number with a fraction",
    "bad-json",
    "chain[0].payload",
    () =>
      rawJws(
        partsOf(mint()).header,
        JSON.stringify(partsOf(mint()).claims).replace(/"exp":\d+/, '"exp":1e99'),
        issuerJwk,
      ),
  ],
  [
    "fourteen levels",
    "bad-json",
    "token.payload",
    () => rawJws(partsOf(mint("json")).header, `${"[".repeat(14)}${"]".repeat(14)}`, issuerJwk),
  ],
  [
    "the same claim twice",
    "duplicate-key",
    "chain[0].payload",
    () =>
      rawJws(
        partsOf(mint()).header,
        JSON.stringify(partsOf(mint()).claims).replace("{", '{"exp":99999999999,'),
        issuerJwk,
      ),
  ],
  [
    "the same claim twice, once by an escape",
    "duplicate-key",
    "token.payload",
    () =>
      rawJws(
        partsOf(mint("json")).header,
        JSON.stringify(partsOf(mint("json")).claims).replace("{", '{"\\u0072un":"r-2",'),
        issuerJwk,
      ),
  ],
  [
    "the same header twice",
    "duplicate-key",
    "token.header",
    () =>
      rawJws(
        `{"alg":"none","alg":"EdDSA","typ":"sallyport-capability+jws"}`,
        partsOf(mint("json")).claims,
        issuerJwk,
      ),
  ],
  ["a field that is not known", "unknown-field", "max_files", () => json({ max_files: 1 })],
  [
    "a field called __proto__",
    "unknown-field",
    "__proto__",
    () =>
      rawJws(
        partsOf(mint("json")).header,
        JSON.stringify(partsOf(mint("json")).claims).replace("{", '{"__proto__":{"run":null},'),
        issuerJwk,
      ),
  ],
  [
    "a field of an action that is not known",
    "unknown-field",
    "actions[0].maxsize",
    () => json({ actions: [{ action: "write", path: "/w", maxsize: 1 }] }),
  ],
  ["a claim that is not known", "unknown-field", "chain[0].scope", () => root({ scope: "read" })],
  [
    "a tool that is not known",
    "unknown-field",
    "chain[0].authorization_details[0].tools.urn:sallyport:action:sudo",
    () => root(granting("sudo", { path: "/w" })),
  ],
  [
    "a constraint that is not known",
    "bad-field",
    "chain[0].authorization_details[0].tools.urn:sallyport:action:read.target.constraint_type",
    () =>
      root({
        authorization_details: [
          {
            type: "attenuating_agent_token",
            tools: { "urn:sallyport:action:read": { target: { constraint_type: "wildcard", any: [] } } },
          },
        ],
      }),
  ],
  [
    "a tool without constraints, which would be good for everything",
    "bad-field",
    "chain[0].authorization_details[0].tools.urn:sallyport:action:read.target",
    () =>
      root({
        authorization_details: [
          { type: "attenuating_agent_token", tools: { "urn:sallyport:action:read": {} } },
        ],
      }),
  ],
  [
    "two entries of ours",
    "bad-field",
    "chain[0].authorization_details",
    () =>
      root((claims) => ({
        ...claims,
        authorization_details: [
          ...(claims["authorization_details"] as object[]),
          ...(claims["authorization_details"] as object[]),
        ],
      })),
  ],
  [
    "no entry of ours",
    "bad-field",
    "chain[0].authorization_details",
    () => root({ authorization_details: [] }),
  ],
  [
    "an action that is not known",
    "bad-field",
    "actions[0].action",
    () => json({ actions: [{ action: "chmod", path: "/w" }] }),
  ],
  [
    "a relative pattern",
    "bad-field",
    "actions[0].path",
    () => json({ actions: [{ action: "read", path: "reports/*.pdf" }] }),
  ],
  [
    "a pattern with a variable",
    "bad-field",
    "actions[0].path",
    () => json({ actions: [{ action: "read", path: "${workspace}/*" }] }),
  ],
  [
    "a pattern with ..",
    "bad-field",
    "actions[0].path",
    () => json({ actions: [{ action: "read", path: "/w/../etc/passwd" }] }),
  ],
  [
    "a pattern in another language",
    "bad-field",
    "actions[0].path",
    () => json({ actions: [{ action: "read", path: "/w/{a,b}" }] }),
  ],
  [
    "a path and a host at once",
    "bad-field",
    "actions[0].path",
    () => json({ actions: [{ action: "connect", path: "/w", host: "a.test" }] }),
  ],
  [
    "a size of what is read",
    "bad-field",
    "actions[0].max_size",
    () => json({ actions: [{ action: "read", path: "/w", max_size: 1 }] }),
  ],
  [
    "a negative size",
    "bad-field",
    "actions[0].max_size",
    () => json({ actions: [{ action: "write", path: "/w", max_size: -1 }] }),
  ],
  [
    "a listener that is not on the loopback",
    "bad-field",
    "actions[0].host",
    () => json({ actions: [{ action: "listen", host: "0.0.0.0/0:80" }] }),
  ],
  [
    "a window without days",
    "bad-field",
    "actions[0].window.days",
    () => json({ actions: [{ action: "read", path: "/w", window: { from: "09:00", to: "10:00" } }] }),
  ],
  ["a date that is none", "bad-field", "expires_at", () => json({ expires_at: "2026-02-30T00:00:00Z" })],
  [
    "a time of another zone",
    "bad-field",
    "expires_at",
    () => json({ expires_at: "2026-11-24T13:00:00+01:00" }),
  ],
  ["no end", "bad-field", "expires_at", () => json(withoutClaim("expires_at"))],
  ["no id", "bad-field", "chain[0].jti", () => root(withoutClaim("jti"))],
  ["no holder in a chain", "bad-field", "chain[0].cnf", () => root(withoutClaim("cnf"))],
  ["an id with a line break", "bad-field", "capability_id", () => json({ capability_id: "a\nb" })],
  [
    "65 actions",
    "bad-field",
    "actions",
    () => json({ actions: new Array(65).fill({ action: "read", path: "/w" }) }),
  ],
  [
    "COSE with a number that is not in its shortest form",
    "bad-cbor",
    "token.header",
    () =>
      tagged(18, [Buffer.from("a1011807", "hex"), new Map(), Buffer.alloc(1), Buffer.alloc(64)]).toString(
        "base64url",
      ),
  ],
  ["COSE that is cut", "bad-cbor", "token", () => cose((bytes) => bytes.subarray(0, bytes.length - 9))],
  [
    "COSE with something behind it",
    "bad-cbor",
    "token",
    () => cose((bytes) => Buffer.concat([bytes, Buffer.of(0)])),
  ],
  [
    "COSE with a claim that is not known",
    "unknown-field",
    "38",
    () => coseOf(coseHeader(), new Map([[38, 1]])),
  ],
  [
    "COSE with a claim by two names",
    "unknown-field",
    "issued_by",
    () =>
      coseOf(
        coseHeader(),
        new Map<number | string, string>([
          [1, HOST],
          ["issued_by", "x"],
        ]),
      ),
  ],
  [
    "COSE that is no list of four",
    "malformed",
    "token",
    () => tagged(18, [Buffer.alloc(1), 2, 3, 4]).toString("base64url"),
  ],
];

export const SIZES: readonly Case[] = [
  ["a token of more than 64 KiB", "too-large", "chain[0]", () => root({ sub: "s".repeat(65_000) })],
  ["a JSON token of more than 64 KiB", "too-large", "token", () => json({ subject: "s".repeat(65_000) })],
  ["a COSE token of more than 64 KiB", "too-large", "token", () => `0oR${"A".repeat(65_600)}`],
  [
    "a chain of more than 256 KiB",
    "chain-too-large",
    "",
    () => new Array(8).fill("a.".repeat(20_000)).join("~"),
  ],
  ["a hundred tokens", "too-deep", "chain", () => new Array(100).fill(mint()).join("~")],
  ["ten tokens", "too-deep", "chain", () => new Array(10).fill("a.b.c").join("~")],
  [
    "a token that allows more steps than there are",
    "too-deep",
    "chain[0].del_max_depth",
    () => root({ del_max_depth: 9 }),
  ],
  [
    "one step more than the issuer allows",
    "too-deep",
    "chain[1].del_depth",
    () => {
      const terminal = mint("aat-01", { delegationDepth: 0 });
      const signed = partsOf(child());
      return linked(terminal, { ...signed.claims, del_max_depth: 1 }, first);
    },
  ],
  [
    "one step more than a holder allows",
    "too-deep",
    "chain[2].del_depth",
    () => {
      const two = derive(mint(), { holder: publicHalf(second), delegation_depth: 0 }, first, NOW);
      return linked(two, { ...partsOf(chainOfThree()).claims, del_max_depth: 2 }, second);
    },
  ],
];
