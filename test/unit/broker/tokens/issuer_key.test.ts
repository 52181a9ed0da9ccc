import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyHostLog } from "../../../../src/audit/hostlog.ts";
import {
  findIssuer,
  jwksOf,
  openIssuer,
  removeIssuerKey,
  rotateIssuer,
  signingIssuer,
} from "../../../../src/broker/tokens/issuer_key.ts";
import { trustedIssuers } from "../../../../src/broker/tokens/trusted_issuers.ts";
import { newKey, publicHalf, thumbprint } from "../../../../src/tokens/jwk.ts";
import { mintToken } from "../../../../src/tokens/mint.ts";
import { verifyToken } from "../../../../src/tokens/verify.ts";
import { context, issuerOf, NOW, order } from "../../../support/tokens.ts";

let state: string;
let managed: string;
beforeEach(() => {
  state = mkdtempSync("/tmp/sallyport-issuer-");
  managed = join(state, "managed");
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const file = (name: string): string => join(state, "tokens", name);

describe("the issuer of a host", () => {
  it("is made once, for its user alone, by however many ask at once", async () => {
    expect(findIssuer(state)).toBeNull();
    const made = await Promise.all(Array.from({ length: 8 }, () => openIssuer(state)));
    expect(new Set(made.map(({ keys }) => keys[0]!.kid)).size).toBe(1);
    expect(statSync(file("issuer.json")).mode & 0o777).toBe(0o600);
    expect(statSync(join(state, "tokens")).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(file("jwks.json"), "utf8"))).toEqual(jwksOf(made[0]!));
    expect(readFileSync(file("jwks.json"), "utf8")).not.toContain('"d"');
  });

  it("rotates: the old key verifies, has no private half any more, and ends when it is removed; each is on record", async () => {
    const before = await openIssuer(state);
    const old = before.keys[0]!.kid;
    const audience = before.name;
    const token = mintToken("aat-01", { ...order(), audience }, signingIssuer(before));
    const after = await rotateIssuer(state);
    expect(after.name).toBe(before.name);
    expect(after.keys.map(({ d, retiredMs }) => [d === "", retiredMs === null])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(readFileSync(file("issuer.json"), "utf8")).not.toContain(before.keys[0]!.d);
    const fresh = mintToken("aat-01", { ...order(), audience }, signingIssuer(after));
    const verdict = (text: string) =>
      verifyToken(text, { ...context, issuers: trustedIssuers(findIssuer(state), managed), audience });
    expect(verdict(token).kind).toBe("valid");
    expect(verdict(fresh).kind).toBe("valid");
    await expect(removeIssuerKey(state, after.keys[1]!.kid)).rejects.toMatchObject({
      code: "INVALID",
      field: "kid",
    });
    await removeIssuerKey(state, old);
    expect(verdict(token)).toMatchObject({ kind: "refused", refusal: { reason: "unknown-key" } });
    expect(verdict(fresh).kind).toBe("valid");
    const log = verifyHostLog(state, readFileSync(join(state, "keys", "log.vkey"), "utf8"));
    expect(log.problems).toEqual([]);
    expect(log.entries.map(({ kind, about }) => `${kind} ${about}`)).toEqual([
      `issuer-key made ${old}`,
      `issuer-key rotated to ${after.keys[1]!.kid}`,
      `issuer-key removed ${old}`,
    ]);
  });

  it.each<[string, () => void]>([
    ["others may read", () => chmodSync(file("issuer.json"), 0o640)],
    [
      "is a link",
      () => {
        rmSync(file("issuer.json"));
        symlinkSync("/etc/passwd", file("issuer.json"));
      },
    ],
    ["is cut", () => writeFileSync(file("issuer.json"), readFileSync(file("issuer.json")).subarray(0, 99))],
    [
      "names another key than it has",
      () =>
        writeFileSync(
          file("issuer.json"),
          readFileSync(file("issuer.json"), "utf8").replace(/"kid":"[^"]{4}/, '"kid":"AAAA'),
        ),
    ],
    ["lies where others may enter", () => chmodSync(join(state, "tokens"), 0o755)],
  ])("is not used when its file %s", async (_what, spoil) => {
    await openIssuer(state);
    spoil();
    await expect(openIssuer(state)).rejects.toThrow();
  });
});

describe("issuers of elsewhere", () => {
  const jwk = newKey();
  const trust = (content: object, mode = 0o644): void => {
    mkdirSync(managed, { recursive: true });
    writeFileSync(join(managed, "else.json"), JSON.stringify(content));
    chmodSync(join(managed, "else.json"), mode);
  };
  const right = {
    issuer: "https://else.test",
    keys: [{ ...publicHalf(jwk), kid: "k-1", use: "sig", alg: "EdDSA" }],
  };

  it("are trusted by the files of managed configuration", () => {
    trust(right);
    const issuers = trustedIssuers(null, managed);
    const issuer = { ...issuerOf("https://else.test", jwk), kid: "k-1" };
    const text = mintToken("aat-01", order(), issuer);
    expect(verifyToken(text, { ...context, issuers, nowMs: NOW }).kind).toBe("valid");
    expect(trustedIssuers(null, join(state, "nothing")).knows("https://else.test")).toBe(false);
  });

  it.each<[string, object, number?]>([
    ["that others may write", right, 0o666],
    ["with a private key", { ...right, keys: [jwk] }],
    ["with a key of another kind", { ...right, keys: [{ kty: "RSA", n: "AQ", e: "AQAB" }] }],
    ["with a secret", { ...right, keys: [{ kty: "oct", k: "AA" }] }],
    ["with a field that is not known", { ...right, until: 1 }],
    ["without an issuer", { keys: [] }],
  ])("are not trusted by a file %s", (_what, content, mode) => {
    trust(content, mode);
    expect(() => trustedIssuers(null, managed)).toThrow(expect.objectContaining({ code: "SETUP" }));
  });

  it("can not be this host", async () => {
    const own = await openIssuer(state);
    trust({ ...right, issuer: own.name });
    expect(() => trustedIssuers(own, managed)).toThrow(/or this host is/);
  });

  it("have ids by thumbprint where the file gives none", () => {
    trust({ issuer: "https://else.test", keys: [publicHalf(jwk)] });
    expect(
      trustedIssuers(null, managed).find("https://else.test", thumbprint(publicHalf(jwk))),
    ).not.toBeNull();
  });
});
