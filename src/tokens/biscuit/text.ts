import { checkKeyBytes, type PublicJwk } from "../jwk.ts";
import { TokenRefused } from "../refusal.ts";

const PREFIX = "biscuit:";
const ALGORITHM = "ed25519/";
/** What no text begins with: the tag of the first field of a Biscuit, or of its second where the first is not there. */
const RAW = [0x08, 0x12];

/** The bytes of a Biscuit, of which `content` is either these or their base64url, perhaps padded and behind "biscuit:". Throws TokenRefused. */
export function biscuitBytes(content: Uint8Array): Uint8Array {
  if (RAW.includes(content[0] ?? 0)) return content;
  const text = Buffer.from(content).toString("latin1").trim();
  const plain = (text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text).replace(/={1,2}$/, "");
  const bytes = Buffer.from(plain, "base64url");
  if (plain !== "" && bytes.toString("base64url") === plain) return bytes;
  throw new TokenRefused(
    "not-base64url",
    "biscuit",
    "is neither the bytes of a Biscuit nor their base64url",
    "take the Biscuit as it was made",
  );
}

/** A root key as Biscuit libraries write it: "ed25519/" and 64 hex digits, or these alone. Throws TokenRefused. */
export function parseRootKey(text: string): PublicJwk {
  const hex = text.startsWith(ALGORITHM) ? text.slice(ALGORITHM.length) : text;
  if (!/^[0-9a-f]{64}$/i.test(hex))
    throw new TokenRefused("bad-field", "root-key", "is no Ed25519 key", "write ed25519/ and 64 hex digits");
  const bytes = Buffer.from(hex, "hex");
  checkKeyBytes(bytes, "root-key");
  return { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") };
}
