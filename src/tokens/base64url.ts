import { TokenRefused } from "./refusal.ts";

/** The bytes of base64url without padding. Node skips what it does not know, so the text must be the one that the bytes encode to. */
export function fromBase64url(text: string, field: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  if (text !== "" && bytes.toString("base64url") === text) return bytes;
  throw new TokenRefused(
    "not-base64url",
    field,
    "is not canonical base64url",
    "take the token as it was made",
  );
}
