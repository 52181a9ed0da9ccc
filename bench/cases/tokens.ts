/** What a session with a token costs when it is opened, and what it costs to make a token or a narrower one. */
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { compileCapability } from "../../src/policy/capability/compile.ts";
import { compilePolicy } from "../../src/policy/decide.ts";
import { derive } from "../../src/tokens/derive.ts";
import type { IssuerKeys } from "../../src/tokens/envelope.ts";
import { newKey, privateKey, publicHalf, publicKey, thumbprint } from "../../src/tokens/jwk.ts";
import { type MintOrder, mintToken } from "../../src/tokens/mint.ts";
import { Nonces } from "../../src/tokens/nonces.ts";
import { refuseProof, signProof } from "../../src/tokens/proof.ts";
import { verifyToken } from "../../src/tokens/verify.ts";
import { median, type Row, spread } from "../measure.ts";

const BATCHES = 41;
const HOST = "urn:sallyport:host:bench";
const RUN = "r-1";
const [issuerJwk, first, second, third] = [newKey(), newKey(), newKey(), newKey()];
const kid = thumbprint(publicHalf(issuerJwk));
const issuer = { name: HOST, kid, key: privateKey(issuerJwk) };
const issuers: IssuerKeys = {
  knows: (name) => name === HOST,
  find: (name, id) => (name === HOST && id === kid ? publicKey(publicHalf(issuerJwk)) : null),
};

/** In µs of process CPU time, medians of batches. The floor is what the signatures alone take in the same process. */
export async function run(): Promise<Row[]> {
  const now = Date.now();
  const order = orderOf(now);
  const root = mintToken("aat-01", order, issuer);
  const narrower = {
    subject: "planner/search",
    actions: [{ action: "read" as const, path: "/w/reports/a*.pdf" }],
  };
  const two = derive(root, { holder: publicHalf(second) }, first, now);
  const chain = derive(two, { ...narrower, holder: publicHalf(third) }, second, now);
  const context = { issuers, audience: HOST, nowMs: now, run: RUN };
  const nonces = new Nonces();
  const session = { run: RUN, channel: "ch", audience: HOST };
  const opened = verifyToken(chain, context);
  if (opened.kind !== "valid") throw new Error(opened.refusal.problem);
  const { token } = opened;
  const leaf = { id: token.chain.at(-1)!.id, leafHash: token.leafHash };
  const proofs = Array.from({ length: 20 * (BATCHES + 3) }, (_, at) =>
    signProof(leaf, { ...session, nonce: nonces.issue(at) }, third, now),
  );
  const open = (): number => {
    const verdict = verifyToken(chain, context);
    if (verdict.kind !== "valid") throw new Error(verdict.refusal.problem);
    if (refuseProof(proofs.pop()!, verdict.token, session, nonces, { nowMs: now, monotonicMs: 1 }) !== null)
      throw new Error("the proof is right");
    const { rules } = compileCapability(verdict.token.chain, now);
    return compilePolicy("bench", rules.files, 1).rules.length;
  };
  const { signUs, verifyUs } = floors();
  return [
    row("session open: chain of three, proof of possession, compiled", measure(20, open), 1000, 4 * verifyUs),
    row(
      "verify, one link (aat-01)",
      measure(40, () => verifyToken(root, context)),
      null,
      verifyUs,
    ),
    row("verify, one token (json)", measure(40, verifying("json", order, context)), null, verifyUs),
    row("verify, one token (cose)", measure(40, verifying("cose", order, context)), null, verifyUs),
    row(
      "derive a narrower token",
      measure(40, () => derive(root, narrower, first, now)),
      250,
      signUs,
    ),
    row(
      "mint a token",
      measure(40, () => mintToken("aat-01", order, issuer)),
      250,
      signUs,
    ),
  ];
}

function orderOf(now: number): MintOrder {
  return {
    capability: {
      id: "c-1",
      subject: "planner",
      run: RUN,
      issuedMs: now,
      notBeforeMs: now,
      expiresMs: now + 3_600_000,
      grants: [
        { action: "read", target: { kind: "path", pattern: "/w/reports/*.pdf" } },
        { action: "write", target: { kind: "path", pattern: "/w/drafts/*.md" }, maxSizeBytes: 102_400 },
      ],
      budget: { maxUses: 1000 },
      delegationDepth: 3,
      onRevoke: "refuse",
    },
    audience: HOST,
    holder: publicHalf(first),
  };
}

function verifying(
  form: "json" | "cose",
  order: MintOrder,
  context: Parameters<typeof verifyToken>[1],
): () => unknown {
  const text = mintToken(form, order, issuer);
  return () => {
    const verdict = verifyToken(text, context);
    if (verdict.kind !== "valid") throw new Error(verdict.refusal.problem);
    return verdict;
  };
}

function floors(): { readonly signUs: number; readonly verifyUs: number } {
  const keys = generateKeyPairSync("ed25519");
  const bytes = Buffer.alloc(500, 1);
  const signature = sign(null, bytes, keys.privateKey);
  return {
    signUs: median(measure(40, () => sign(null, bytes, keys.privateKey))),
    verifyUs: median(measure(40, () => verify(null, bytes, keys.publicKey, signature))),
  };
}

function row(name: string, samples: readonly number[], bar: number | null, floor: number): Row {
  const value = median(samples);
  const noise = spread(samples);
  const head = { name: `tokens, ${name}`, unit: "µs CPU", value, noise, sense: "most" } as const;
  // Where there is no bar of its own, twice what the signatures take.
  return bar === null
    ? { ...head, floor, ratio: value / floor, bar: 2 }
    : { ...head, floor, ratio: null, bar };
}

function measure(count: number, act: () => unknown): number[] {
  const samples: number[] = [];
  for (let batch = -2; batch < BATCHES; batch++) {
    const before = process.cpuUsage();
    for (let at = 0; at < count; at++) act();
    const { user, system } = process.cpuUsage(before);
    // The first two warm up.
    if (batch >= 0) samples.push((user + system) / count);
  }
  return samples;
}
