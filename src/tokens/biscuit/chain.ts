import { createPrivateKey, createPublicKey, verify } from "node:crypto";
import { checkKeyBytes, type PublicJwk, publicKey } from "../jwk.ts";
import { MAX_BISCUIT_BLOCKS, MAX_TOKEN_BYTES } from "../limits.ts";
import { TokenRefused } from "../refusal.ts";
import { bytesOf, type Message, numberOf, readMessage, readOneOf, type Shape } from "./protobuf.ts";

/** The container of a Biscuit, version 3 (SPECIFICATIONS.md of eclipse-biscuit/biscuit, "Format"), whose signatures were verified. */
export type BiscuitChain = {
  /** The serialized Datalog of each block, the authority first. */
  readonly blocks: readonly Uint8Array[];
  /** The signature of each block in hex: what revocation lists of Biscuits name. */
  readonly revocationIds: readonly string[];
  readonly end: "sealed" | "open";
};

const TOKEN: Shape = {
  1: ["rootKeyId", "varint", "maybe"],
  2: ["authority", "bytes", "one"],
  3: ["blocks", "bytes", "many"],
  4: ["proof", "bytes", "one"],
};
const SIGNED: Shape = {
  1: ["block", "bytes", "one"],
  2: ["nextKey", "bytes", "one"],
  3: ["signature", "bytes", "one"],
  4: ["externalSignature", "bytes", "maybe"],
  5: ["version", "varint", "maybe"],
};
const KEY: Shape = { 1: ["algorithm", "varint", "one"], 2: ["key", "bytes", "one"] };
const PROOF: Shape = { 1: ["nextSecret", "bytes", "maybe"], 2: ["finalSignature", "bytes", "maybe"] };

const ED25519 = Buffer.alloc(4);
const SEED_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** PKCS #8 of an Ed25519 seed (RFC 8410, section 7). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

type Link = {
  readonly where: string;
  readonly block: Uint8Array;
  readonly nextKey: PublicJwk;
  readonly signature: Uint8Array;
  readonly version: number;
};

/**
 * Verifies every signature from `rootKey` on, and the proof at the end, without which blocks could be cut off. The key that the
 * token names by a number is not looked for: whoever calls knows whose Biscuits are wanted. Throws TokenRefused.
 */
export function openChain(bytes: Uint8Array, rootKey: PublicJwk): BiscuitChain {
  if (bytes.length > MAX_TOKEN_BYTES)
    throw new TokenRefused(
      "too-large",
      "biscuit",
      `has ${bytes.length} bytes`,
      `keep it to ${MAX_TOKEN_BYTES}`,
    );
  const token = readMessage(bytes, TOKEN, "biscuit");
  const signed = [...bytesOf(token, "authority"), ...bytesOf(token, "blocks")];
  if (signed.length > MAX_BISCUIT_BLOCKS)
    throw new TokenRefused(
      "too-deep",
      "biscuit",
      `has ${signed.length} blocks`,
      `attenuate one that has less than ${MAX_BISCUIT_BLOCKS}`,
    );
  const links = signed.map((block, at) => readLink(block, `block ${at}`));
  let key = rootKey;
  let before: Uint8Array | null = null;
  for (const link of links) {
    check(link.where, signedBytes(link, before), key, link.signature);
    key = link.nextKey;
    before = link.signature;
  }
  return {
    blocks: links.map(({ block }) => block),
    revocationIds: links.map(({ signature }) => Buffer.from(signature).toString("hex")),
    end: checkProof(bytesOf(token, "proof")[0]!, links.at(-1)!),
  };
}

function readLink(bytes: Uint8Array, where: string): Link {
  const link = readMessage(bytes, SIGNED, where);
  if (bytesOf(link, "externalSignature").length > 0)
    throw new TokenRefused(
      "third-party-block",
      where,
      "is signed by a third party, whose facts would count by rules that are not understood",
      "bring a Biscuit without it",
    );
  return {
    where,
    block: bytesOf(link, "block")[0]!,
    nextKey: readKey(readMessage(bytesOf(link, "nextKey")[0]!, KEY, where), where),
    signature: bytesOf(link, "signature")[0]!,
    version: numberOf(link, "version"),
  };
}

function readKey(message: Message, where: string): PublicJwk {
  if (numberOf(message, "algorithm") !== 0)
    throw new TokenRefused(
      "algorithm-unsupported",
      where,
      "names a key of another algorithm than Ed25519",
      "make the Biscuit with Ed25519 keys",
    );
  const [key] = bytesOf(message, "key");
  checkKeyBytes(key!, where);
  return { kty: "OKP", crv: "Ed25519", x: Buffer.from(key!).toString("base64url") };
}

/** What the signature of a block is over: "block signature payload" v0 and v1. */
function signedBytes({ where, block, nextKey, version }: Link, before: Uint8Array | null): Buffer {
  const key = keyBytes(nextKey);
  if (version === 0) return Buffer.concat([block, ED25519, key]);
  if (version !== 1)
    throw new TokenRefused(
      "malformed",
      where,
      `is signed in the manner ${version}, which is not known`,
      "make the Biscuit with a library of version 3",
    );
  const number = Buffer.alloc(4);
  number.writeUInt32LE(version);
  const parts: readonly (readonly [string, Uint8Array])[] = [
    ["BLOCK", Buffer.alloc(0)],
    ["VERSION", number],
    ["PAYLOAD", block],
    ["ALGORITHM", ED25519],
    ["NEXTKEY", key],
    ...(before === null ? [] : [["PREVSIG", before] as const]),
  ];
  return Buffer.concat(parts.flatMap(([name, bytes]) => [Buffer.from(`\0${name}\0`), bytes]));
}

function checkProof(bytes: Uint8Array, last: Link): BiscuitChain["end"] {
  const { name, value } = readOneOf(bytes, PROOF, "proof");
  if (name === "finalSignature") {
    const over = Buffer.concat([last.block, ED25519, keyBytes(last.nextKey), last.signature]);
    check("proof", over, last.nextKey, value as Uint8Array);
    return "sealed";
  }
  const seed = value as Uint8Array;
  if (seed.length !== SEED_BYTES || publicOf(seed) !== last.nextKey.x)
    throw new TokenRefused(
      "bad-signature",
      "proof",
      "does not belong to the last block: another one was cut off or put behind it",
      "take the Biscuit as it was made",
    );
  return "open";
}

function publicOf(seed: Uint8Array): string {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  return createPublicKey(key).export({ format: "jwk" }).x!;
}

function check(where: string, over: Uint8Array, key: PublicJwk, signature: Uint8Array): void {
  if (signature.length === SIGNATURE_BYTES && verify(null, over, publicKey(key), signature)) return;
  throw new TokenRefused(
    "bad-signature",
    where,
    where === "block 0" ? "is not signed by the root key" : "is not signed by the key that was named for it",
    "ask whoever made it for its root key, and take the Biscuit as it was made",
  );
}

function keyBytes({ x }: PublicJwk): Buffer {
  return Buffer.from(x, "base64url");
}
