import { randomInt } from "node:crypto";
import { permits } from "../../src/policy/capability/permits.ts";
import { subsumes } from "../../src/policy/capability/subsumes.ts";
import { SallyportError } from "../../src/protocol/errors.ts";
import { derive } from "../../src/tokens/derive.ts";
import { readUnverified } from "../../src/tokens/describe.ts";
import { TokenRefused } from "../../src/tokens/refusal.ts";
import { verifyToken } from "../../src/tokens/verify.ts";
import { ACTS } from "./arbitrary_capability.ts";
import { type Claims, chainOfThree, context, holders, issuerJwk, mint, NOW, resigned } from "./tokens.ts";
import { BOUND, CHAINS, TIMES, WIDENED } from "./wrong_tokens/chains.ts";
import { ALGORITHMS, FORGED } from "./wrong_tokens/forged.ts";
import { FORMS, SIZES } from "./wrong_tokens/malformed.ts";

/** What a round of hostile tokens has shown; anything but a verdict is thrown. */
export type FuzzReport = {
  readonly tried: number;
  readonly valid: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly slowestMs: number;
};

/** Tries hostile tokens for that long. */
export function fuzzTokens(durationMs: number): FuzzReport {
  const seeds = seedTexts();
  // The first tokens of a chain are a chain: whoever has it has those too, but not the keys of their holders.
  const known = new Set(
    seeds.flatMap((seed) => seed.split("~").map((_, at, parts) => parts.slice(0, at + 1).join("~"))),
  );
  const refused = new Map<string, number>();
  let tried = 0;
  let valid = 0;
  let slowestMs = 0;
  for (const until = performance.now() + durationMs; performance.now() < until; ) {
    const seed = pick(seeds);
    const isSigned = randomInt(3) === 0 && seed.length < 10_000;
    const text = isSigned ? signedChange(seed) : bytesChange(seed);
    tried++;
    const before = performance.now();
    const verdict = verifyToken(text, context);
    slowestMs = Math.max(slowestMs, performance.now() - before);
    if (verdict.kind === "refused")
      refused.set(verdict.refusal.reason, (refused.get(verdict.refusal.reason) ?? 0) + 1);
    else {
      valid++;
      // Who has no key can not make a second text of a token: neither of its claims nor of its spelling.
      if (!isSigned && !known.has(text)) throw new Error(`taken, and signed by nobody: ${text}`);
      checkChain(verdict.token.chain, text);
    }
    expectOwnErrors(() => readUnverified(text));
    if (tried % 16 === 0)
      expectOwnErrors(() =>
        derive(
          text,
          JSON.parse(
            JSON.stringify(mutated({ actions: [{ action: "read", path: "/w/a" }], run: "r-1" })),
          ) as object,
          pick(holders),
          NOW,
        ),
      );
  }
  return { tried, valid, refused, slowestMs };
}

function seedTexts(): string[] {
  const wrong = [...FORGED, ...ALGORITHMS, ...FORMS, ...SIZES, ...TIMES, ...CHAINS, ...WIDENED, ...BOUND].map(
    ([, , , make]) => make(),
  );
  const right = [
    mint(),
    mint("json"),
    mint("cose"),
    chainOfThree(),
    chainOfThree({ subject: "planner/x" }, { delegation_depth: 0 }),
  ];
  return [...wrong.filter((text) => text.length < 20_000), ...new Array(40).fill(right).flat()];
}

function checkChain(
  chain: Parameters<typeof permits>[0][] | readonly Parameters<typeof permits>[0][],
  text: string,
): void {
  const leaf = chain.at(-1)!;
  for (let at = 1; at < chain.length; at++)
    if (subsumes(chain[at - 1]!, chain[at]!).kind !== "within") throw new Error(`taken, and wider: ${text}`);
  for (let count = 0; count < 40; count++) {
    const act = { ...pick(ACTS), timeMs: NOW };
    if (permits(leaf, act) && !chain.every((link) => permits(link, act)))
      throw new Error(`taken, and lets more be done: ${text}`);
  }
}

function expectOwnErrors(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof TokenRefused || error instanceof SallyportError)) throw error;
  }
}

/** The text with some of it changed, as by somebody without a key. */
function bytesChange(text: string): string {
  let changed = text;
  for (let count = 1 + randomInt(3); count > 0; count--) {
    const at = randomInt(changed.length + 1);
    const unit = pick([
      ".",
      "~",
      "=",
      "-",
      "_",
      "A",
      "B",
      "w",
      "+",
      "\0",
      "\u00ff",
      "0oR",
      String.fromCharCode(randomInt(256)),
    ]);
    const length = pick([0, 1, 1, 2, 40]);
    switch (randomInt(5)) {
      case 0:
        changed = changed.slice(0, at) + unit + changed.slice(at + length);
        break;
      case 1:
        changed = changed.slice(0, at);
        break;
      case 2:
        changed = changed.slice(0, at) + changed.slice(randomInt(changed.length + 1));
        break;
      case 3:
        changed = bitChange(changed);
        break;
      default:
        changed = `${changed}${pick(["~", ".", ""])}${changed.slice(at)}`.slice(0, 30_000);
    }
  }
  return changed;
}

/** A bit of the bytes that a part stands for, so that its spelling stays right. */
function bitChange(text: string): string {
  const parts = text.split(/([.~])/);
  const at = randomInt(parts.length);
  const bytes = Buffer.from(parts[at]!, "base64url");
  if (bytes.length === 0) return text;
  bytes[randomInt(bytes.length)]! ^= 1 << randomInt(8);
  parts[at] = bytes.toString("base64url");
  return parts.join("");
}

/** The token with other claims, signed again: as by a hostile issuer or holder. */
function signedChange(text: string): string {
  try {
    const key = text.includes("~") ? pick(holders) : issuerJwk;
    return resigned(text, key, (claims) => mutated(claims) as Claims);
  } catch {
    return bytesChange(text);
  }
}

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  1,
  -1,
  2 ** 53,
  1e21,
  "",
  "c-1",
  "r-1",
  "r-2",
  "/w/**",
  "/**/*a*a*a*a*a*a*a*a",
  "**/a",
  "/w/../x",
  "\ud800",
  "a".repeat(5000),
  [],
  {},
  [[]],
  { __proto__: null },
  "2026-11-24T12:05:00Z",
  Number.MAX_SAFE_INTEGER,
  "image/*",
  ["image/*"],
  "read",
  "*.test:*",
  "::/0",
  "/w/a#S!A1:XFD1048576",
];

function mutated(value: unknown, depth = 0): unknown {
  if (depth > 20 || randomInt(6) === 0) return pick(VALUES);
  if (Array.isArray(value)) {
    const copy = [...(value as unknown[])];
    const at = randomInt(copy.length + 1);
    if (randomInt(3) === 0) copy.splice(at, randomInt(2), pick(VALUES));
    else if (at < copy.length) copy[at] = mutated(copy[at], depth + 1);
    return randomInt(40) === 0 ? new Array(70).fill(copy[0]) : copy;
  }
  if (typeof value !== "object" || value === null) return pick(VALUES);
  const entries = Object.entries(value);
  const at = randomInt(entries.length + 1);
  if (at === entries.length)
    return {
      ...value,
      [pick(["x", "nbf", "run", "par_hash", "__proto__", "constructor", "window", "mime"])]: pick(VALUES),
    };
  const [name, old] = entries[at]!;
  if (randomInt(8) === 0) return Object.fromEntries(entries.filter(([other]) => other !== name));
  return { ...value, [name]: mutated(old, depth + 1) };
}

function pick<T>(values: readonly T[]): T {
  return values[randomInt(values.length)]!;
}
