/**
 * The audit record: one JSON object, keys sorted, compact, integers only. Its bytes are the leaf of the log; they are
 * verified as stored and never serialised again.
 */

import { AuditError } from "./errors.ts";
import { sha256 } from "./merkle.ts";

/** C2SP tlog-tiles: an entry has a uint16 length. */
export const MAX_ENTRY_BYTES = 65_535;

export const RECORD_KINDS = ["run.start", "intent", "outcome", "deny", "run.end", "rotate", "note"] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];
export type Durability = "crash" | "power";

/** One record. `seq` is its leaf index, `time` milliseconds since the epoch. Absent means: does not apply. */
export type AuditRecord = {
  readonly v: 1;
  readonly kind: RecordKind;
  readonly seq: number;
  readonly time: number;
  readonly run: string;
  readonly agent?: string;
  /** Id of the capability that the decision rests on. */
  readonly capability?: string;
  /** uid of the caller. */
  readonly user?: number;
  readonly pid?: number;
  readonly op?: string;
  readonly path?: string;
  readonly to?: string;
  readonly rule?: string;
  readonly verdict?: "allow" | "deny";
  readonly flags?: number;
  readonly mode?: number;
  /** In an outcome: `seq` of the intent that it concludes. */
  readonly intent?: number;
  /** Name of the error, in an outcome or a deny. */
  readonly errno?: string;
  readonly result?: number;
  readonly durability?: Durability;
  readonly extra?: Readonly<Record<string, string | number | boolean>>;
  /** Strings were cut; `sha256` (hex) is of the whole serialised record. */
  readonly truncated?: true;
  readonly sha256?: string;
};

type FieldRule = "string" | "integer" | "extra" | readonly (string | number | boolean)[];

/** Sorted: the order of the keys in the bytes. */
const FIELDS: Readonly<Record<string, FieldRule>> = {
  agent: "string",
  capability: "string",
  durability: ["crash", "power"],
  errno: "string",
  extra: "extra",
  flags: "integer",
  intent: "integer",
  kind: RECORD_KINDS,
  mode: "integer",
  op: "string",
  path: "string",
  pid: "integer",
  result: "integer",
  rule: "string",
  run: "string",
  seq: "integer",
  sha256: "string",
  time: "integer",
  to: "string",
  truncated: [true],
  user: "integer",
  v: [1],
  verdict: ["allow", "deny"],
};
const FIELD_NAMES = Object.keys(FIELDS);
const REQUIRED = ["kind", "run", "seq", "time", "v"];
// Also keeps integer-like keys out, whose order JSON.stringify does not keep.
const EXTRA_KEY = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** Serialises a record; one above the limit gets its strings cut, `truncated` and the SHA-256 of the whole. Throws INVALID. */
export function serializeRecord(record: AuditRecord): string {
  const whole = stringify(record, Number.POSITIVE_INFINITY);
  if (whole.length * 3 <= MAX_ENTRY_BYTES || Buffer.byteLength(whole) <= MAX_ENTRY_BYTES) return whole;
  const digest = sha256(Buffer.from(whole)).toString("hex");
  for (let limit = 8192; limit >= 16; limit /= 2) {
    const cut = stringify({ ...record, truncated: true, sha256: digest }, limit);
    if (Buffer.byteLength(cut) <= MAX_ENTRY_BYTES) return cut;
  }
  throw new AuditError("INVALID", "Cannot serialize the audit record: too many fields in extra");
}

/** Parses the bytes of one entry. Anything but the exact output of the serialiser throws INVALID. */
export function parseRecord(line: Uint8Array | string): AuditRecord {
  const text = typeof line === "string" ? line : decode(line);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AuditError("INVALID", "Cannot parse the audit record: not JSON", 0, { cause });
  }
  if (!isObject(value)) throw new AuditError("INVALID", "Cannot parse the audit record: not an object", 0);
  for (const name of REQUIRED) {
    if (!Object.hasOwn(value, name))
      throw new AuditError("INVALID", `Cannot parse the audit record: no "${name}"`, 0);
  }
  for (const name of Object.keys(value)) checkField(name, value[name]);
  const record = value as AuditRecord;
  // Duplicate keys, another order, spaces and escapes that are not ours all end here.
  if (stringify(record, Number.POSITIVE_INFINITY) !== text) {
    throw new AuditError("INVALID", "Cannot parse the audit record: not in canonical form", 0);
  }
  return record;
}

function stringify(record: AuditRecord, maxString: number): string {
  const sorted: Record<string, unknown> = {};
  for (const name of FIELD_NAMES) {
    const value = record[name as keyof AuditRecord];
    if (value === undefined) continue;
    checkField(name, value);
    sorted[name] = name === "sha256" ? value : cut(value, maxString);
  }
  return JSON.stringify(sorted);
}

function cut(value: unknown, maxString: number): unknown {
  if (typeof value === "string") return value.length > maxString ? value.slice(0, maxString) : value;
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, cut(value[key], maxString)]),
  );
}

function checkField(name: string, value: unknown): void {
  const rule = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  let good = false;
  if (rule === "string") good = typeof value === "string";
  else if (rule === "integer") good = isInteger(value);
  else if (rule === "extra")
    good = isObject(value) && Object.entries(value).every(([k, v]) => EXTRA_KEY.test(k) && isScalar(v));
  else if (rule !== undefined) good = rule.includes(value as string);
  if (!good) throw new AuditError("INVALID", `Cannot accept the audit record: field "${name}" is wrong`, 0);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new AuditError("INVALID", "Cannot parse the audit record: not UTF-8", 0, { cause });
  }
}

// -0 is refused: it is written as 0.
const isInteger = (value: unknown): boolean => Number.isSafeInteger(value) && !Object.is(value, -0);
const isScalar = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "boolean" || isInteger(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
