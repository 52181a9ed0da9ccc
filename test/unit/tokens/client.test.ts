import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { attenuate, newHolderKey, proveHolder } from "../../../src/client/tokens.ts";
import { publicHalf } from "../../../src/tokens/jwk.ts";
import { Nonces } from "../../../src/tokens/nonces.ts";
import { refuseProof } from "../../../src/tokens/proof.ts";
import { verifyToken } from "../../../src/tokens/verify.ts";
import { context, HOST, holders, mint, RUN } from "../../support/tokens.ts";

describe("sallyport/tokens", () => {
  it("hands a part on to another, who proves to hold it", () => {
    const { privateKey, publicKey } = newHolderKey();
    const now = Date.now();
    const token = attenuate(
      mint("aat-01", { issuedMs: now, notBeforeMs: now, expiresMs: now + 60_000 }),
      {
        subject: "planner/search",
        actions: [{ action: "read", path: "/w/reports/a.pdf" }],
        holder: publicKey,
      },
      holders[0],
    );
    const verdict = verifyToken(token, { ...context, nowMs: now });
    expect(verdict).toMatchObject({
      kind: "valid",
      token: { holder: publicKey, chain: [{}, { subject: "planner/search" }] },
    });
    if (verdict.kind !== "valid") return;
    const nonces = new Nonces();
    const session = { run: RUN, channel: "ch", audience: HOST };
    const proof = proveHolder(token, { ...session, nonce: nonces.issue(0) }, privateKey);
    expect(refuseProof(proof, verdict.token, session, nonces, { nowMs: now, monotonicMs: 1 })).toBeNull();
  });

  it("says which field would be wider, and the way out", () => {
    expect(() => attenuate(mint(), { actions: [{ action: "read", path: "/etc/*" }] }, holders[0])).toThrow(
      expect.objectContaining({
        code: "INVALID",
        field: "actions[0].path",
        expected: "write a narrower one",
      }),
    );
    expect(() =>
      proveHolder("letmein", { nonce: "n", run: RUN, channel: "c", audience: HOST }, holders[0]),
    ).toThrow(expect.objectContaining({ code: "INVALID" }));
    const wrong = { ...holders[0], d: holders[1].d };
    expect(() => attenuate(mint(), { holder: publicHalf(holders[1]) }, wrong)).toThrow(
      /no private Ed25519 key/,
    );
  });

  it("loads no addon", () => {
    const entry = join(import.meta.dirname, "../../../dist/client/tokens.js");
    const script = `process.dlopen = () => { throw new Error("an addon is loaded"); };
      const { newHolderKey } = await import(${JSON.stringify(entry)}); console.log(typeof newHolderKey().publicKey.x);`;
    const done = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(done).toBe("string\n");
  });
});
