import { MAX_TEXT_BYTES } from "./limits.ts";
import { utf8Bytes } from "./path.ts";

/** Text for people, cut to what a reader of the wire takes; the end says so. A message holds paths, which may fill it alone. */
export function fitText(text: string): string {
  // A unit of UTF-16 takes three bytes at most.
  if (text.length <= MAX_TEXT_BYTES / 3 || utf8Bytes(text) <= MAX_TEXT_BYTES) return text;
  let fitted = "";
  let bytes = utf8Bytes("…");
  for (const character of text) {
    bytes += Math.max(utf8Bytes(character), 1);
    if (bytes > MAX_TEXT_BYTES) break;
    fitted += character;
  }
  return `${fitted}…`;
}
