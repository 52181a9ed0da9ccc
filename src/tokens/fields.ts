import { shown, TokenRefused } from "./refusal.ts";
import type { Json, JsonObject } from "./strict_json.ts";

/** Readers of single fields of a token. Each gives the typed value or throws TokenRefused, which names the field and the way out. */

/** An object that has all of `required`, perhaps some of `optional`, and nothing else. */
export function objectOf(
  value: Json | undefined,
  field: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(field, value, "an object");
  const object = value as JsonObject;
  for (const key of Object.keys(object)) {
    if (required.includes(key) || optional.includes(key)) continue;
    const known = [...required, ...optional].join(", ");
    throw new TokenRefused(
      "unknown-field",
      below(field, key.length > 64 ? `${key.slice(0, 64)}…` : key),
      "is not known",
      known === "" ? "leave it out: there are no fields here" : `write one of: ${known}`,
    );
  }
  for (const key of required)
    if (object[key] === undefined) throw wrong(below(field, key), undefined, "a value");
  return object;
}

export function arrayOf(value: Json | undefined, field: string, most: number): readonly Json[] {
  if (Array.isArray(value) && value.length <= most) return value;
  throw wrong(field, value, `a list of at most ${most}`);
}

export function textOf(
  value: Json | undefined,
  field: string,
  what: string,
  isRight: (text: string) => boolean,
): string {
  if (typeof value === "string" && isRight(value)) return value;
  throw wrong(field, value, what);
}

export function wordOf<Word extends string>(
  value: Json | undefined,
  field: string,
  words: readonly Word[],
): Word {
  if (words.includes(value as Word)) return value as Word;
  throw wrong(field, value, `one of ${words.join(", ")}`);
}

export function integerOf(value: Json | undefined, field: string, low: number, high: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= low && value <= high) return value;
  throw wrong(field, value, `an integer ${low} to ${high}`);
}

export function wrong(field: string, value: unknown, expected: string): TokenRefused {
  const problem = value === undefined ? "is missing" : `is ${shown(value)}`;
  return new TokenRefused("bad-field", field, problem, `write ${expected}`);
}

export function below(field: string, key: string): string {
  return field === "" ? key : `${field}.${key}`;
}
