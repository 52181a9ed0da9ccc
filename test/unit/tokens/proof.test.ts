import { describe, expect, it } from "vitest";
import { Nonces } from "../../../src/tokens/nonces.ts";
import { type ProofSession, refuseProof, signProof } from "../../../src/tokens/proof.ts";
import type { RefusalReason } from "../../../src/tokens/refusal.ts";
import { verifyToken } from "../../../src/tokens/verify.ts";
import {
  chainOfThree,
  context,
  HOST,
  holders,
  issuerJwk,
  mint,
  NOW,
  RUN,
  rawJws,
  resigned,
} from "../../support/tokens.ts";
import { withoutClaim } from "../../support/wrong_tokens/wrong_token.ts";

const [, second, third] = holders;

describe("a proof of possession is refused that is", () => {
  const CLOCK = { nowMs: NOW, monotonicMs: 5_000 };
  const here = { run: RUN, channel: "ch-1", audience: HOST };
  const nonces = new Nonces();
  const chain = chainOfThree();
  const verified = verifyToken(chain, context);
  if (verified.kind !== "valid") throw new Error("the chain is right");
  const { token } = verified;
  const leaf = { id: "c-3", leafHash: token.leafHash };
  const session = (): ProofSession => ({ ...here, nonce: nonces.issue(CLOCK.monotonicMs) });
  const refused = (proof: string | null, of = token, clock = CLOCK): string | undefined =>
    refuseProof(proof, of, here, nonces, clock)?.reason;

  it("right: not at all", () => {
    expect(refused(signProof(leaf, session(), third, NOW))).toBeUndefined();
  });

  it.each<[RefusalReason, string, () => string | null]>([
    ["proof-missing", "missing", () => null],
    ["bad-signature", "by the holder of an earlier token", () => signProof(leaf, session(), second, NOW)],
    ["bad-signature", "by the issuer", () => signProof(leaf, session(), issuerJwk, NOW)],
    ["proof-wrong-token", "for another id", () => signProof({ ...leaf, id: "c-2" }, session(), third, NOW)],
    [
      "proof-wrong-token",
      "for another token of the same id",
      () => signProof({ ...leaf, leafHash: "A".repeat(43) }, session(), third, NOW),
    ],
    [
      "wrong-audience",
      "for another host",
      () => signProof(leaf, { ...session(), audience: "urn:else" }, third, NOW),
    ],
    [
      "proof-wrong-session",
      "for another run",
      () => signProof(leaf, { ...session(), run: "r-2" }, third, NOW),
    ],
    [
      "proof-wrong-session",
      "for another channel",
      () => signProof(leaf, { ...session(), channel: "ch-2" }, third, NOW),
    ],
    [
      "proof-wrong-nonce",
      "for a nonce of its own",
      () => signProof(leaf, { ...session(), nonce: "mine" }, third, NOW),
    ],
    ["proof-stale", "32 s old", () => signProof(leaf, session(), third, NOW - 32_000)],
    ["proof-stale", "32 s ahead", () => signProof(leaf, session(), third, NOW + 32_000)],
    ["wrong-type", "a token", () => mint()],
    ["malformed", "a chain", () => chain],
    [
      "algorithm-none",
      "not signed",
      () => rawJws({ alg: "none", typ: "aat-pop+jwt" }, {}, new Uint8Array(64)),
    ],
    [
      "unknown-field",
      "with a claim that is not known",
      () => resigned(signProof(leaf, session(), third, NOW), third, { admin: 1 }),
    ],
    [
      "bad-field",
      "without a nonce",
      () => resigned(signProof(leaf, session(), third, NOW), third, withoutClaim("nonce")),
    ],
  ])("%s: %s", (reason, _what, make) => {
    expect(refused(make())).toBe(reason);
  });

  it("proof-replayed: used twice, also when the first use was refused for its nonce alone", () => {
    const proof = signProof(leaf, session(), third, NOW);
    expect(refused(proof)).toBeUndefined();
    expect(refused(proof)).toBe("proof-replayed");
    const again = resigned(proof, third, { jti: "another" });
    expect(refused(again)).toBe("proof-replayed");
  });

  it("proof-wrong-nonce: an answer after a minute", () => {
    const proof = signProof(leaf, session(), third, NOW);
    expect(refused(proof, token, { nowMs: NOW, monotonicMs: CLOCK.monotonicMs + 60_000 })).toBe(
      "proof-wrong-nonce",
    );
  });

  it("holder-missing: for a token that has no holder", () => {
    const bearer = verifyToken(mint("json", {}, null), context);
    if (bearer.kind !== "valid") throw new Error("the token is right");
    expect(refused(signProof(leaf, session(), third, NOW), bearer.token)).toBe("holder-missing");
    expect(refused(null, bearer.token)).toBeUndefined();
  });
});
