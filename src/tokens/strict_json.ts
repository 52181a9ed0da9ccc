import { utf8Bytes } from "../protocol/path.ts";
import { MAX_JSON_DEPTH } from "./limits.ts";
import { shown, TokenRefused } from "./refusal.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** Without a prototype, so that "__proto__" is a key like any other. */
export type JsonObject = { readonly [key: string]: Json };

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NUMBER = /-?(?:0|[1-9]\d{0,15})(?![\d.eE])/y;
const BACKSLASH = 92;
const QUOTE = 34;

/**
 * Reads JSON (RFC 8259) as tokens use it: no key twice in an object, numbers that are safe integers, strings without lone surrogates.
 * Throws TokenRefused, "bad-json" or "duplicate-key".
 */
export function parseJson(bytes: Uint8Array, field: string): Json {
  let text: string;
  try {
    text = DECODER.decode(bytes);
  } catch {
    throw new TokenRefused("bad-json", field, "is not UTF-8", "write JSON in UTF-8");
  }
  const reader: Reader = { text, field, at: 0 };
  const value = readValue(reader, 0);
  skipSpace(reader);
  if (reader.at !== text.length) throw refused(reader, "something follows the value");
  return value;
}

type Reader = { readonly text: string; readonly field: string; at: number };

function readValue(reader: Reader, depth: number): Json {
  if (depth > MAX_JSON_DEPTH) throw refused(reader, `more than ${MAX_JSON_DEPTH} levels`);
  skipSpace(reader);
  switch (reader.text[reader.at]) {
    case "{":
      return readObject(reader, depth);
    case "[":
      return readArray(reader, depth);
    case '"':
      return readString(reader);
    case "t":
      return readWord(reader, "true", true);
    case "f":
      return readWord(reader, "false", false);
    case "n":
      return readWord(reader, "null", null);
    default:
      return readNumber(reader);
  }
}

function readObject(reader: Reader, depth: number): JsonObject {
  const object: { [key: string]: Json } = Object.create(null);
  reader.at++;
  skipSpace(reader);
  if (take(reader, "}")) return object;
  do {
    skipSpace(reader);
    if (reader.text[reader.at] !== '"') throw refused(reader, "a key was expected");
    const key = readString(reader);
    if (Object.hasOwn(object, key))
      throw new TokenRefused(
        "duplicate-key",
        reader.field,
        `has the key ${shown(key)} twice`,
        "write each key once",
      );
    skipSpace(reader);
    if (!take(reader, ":")) throw refused(reader, '":" was expected');
    object[key] = readValue(reader, depth + 1);
    skipSpace(reader);
  } while (take(reader, ","));
  if (!take(reader, "}")) throw refused(reader, '"}" was expected');
  return object;
}

function readArray(reader: Reader, depth: number): readonly Json[] {
  const entries: Json[] = [];
  reader.at++;
  skipSpace(reader);
  if (take(reader, "]")) return entries;
  do {
    entries.push(readValue(reader, depth + 1));
    skipSpace(reader);
  } while (take(reader, ","));
  if (!take(reader, "]")) throw refused(reader, '"]" was expected');
  return entries;
}

function readString(reader: Reader): string {
  const { text } = reader;
  const start = reader.at;
  let end = start + 1;
  let escapes = false;
  for (; ; end++) {
    const unit = text.charCodeAt(end);
    if (unit === QUOTE) break;
    // NaN behind the end.
    if (!(unit >= 0x20)) throw refused(reader, "a string has no end or a control character");
    if (unit === BACKSLASH) {
      escapes = true;
      end++;
    }
  }
  reader.at = end + 1;
  let value = text.slice(start + 1, end);
  if (escapes) {
    try {
      value = JSON.parse(text.slice(start, end + 1)) as string;
    } catch {
      throw refused(reader, "an escape is none");
    }
  }
  if (utf8Bytes(value) === -1) throw refused(reader, "a surrogate stands alone");
  return value;
}

function readNumber(reader: Reader): number {
  NUMBER.lastIndex = reader.at;
  const [found] = NUMBER.exec(reader.text) ?? [];
  const value = Number(found);
  if (found === undefined || !Number.isSafeInteger(value) || Object.is(value, -0))
    throw refused(reader, "neither a value nor an integer below 2^53");
  reader.at += found.length;
  return value;
}

function readWord<T>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.at)) throw refused(reader, "an unknown word");
  reader.at += word.length;
  return value;
}

function take(reader: Reader, unit: string): boolean {
  if (reader.text[reader.at] !== unit) return false;
  reader.at++;
  return true;
}

function skipSpace(reader: Reader): void {
  while (" \t\n\r".includes(reader.text[reader.at] ?? "x")) reader.at++;
}

function refused({ field, at }: Reader, why: string): TokenRefused {
  return new TokenRefused(
    "bad-json",
    field,
    `can not be read at character ${at + 1}: ${why}`,
    "write plain JSON",
  );
}
