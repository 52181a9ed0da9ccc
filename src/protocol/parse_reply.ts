import * as field from "./field.ts";
import {
  MAX_ALLOWED_ROOTS,
  MAX_ID,
  MAX_LIST_ENTRIES,
  MAX_NEXT_STEPS,
  MAX_PATH_BYTES,
  MAX_TEXT_BYTES,
} from "./limits.ts";
import type { Denial, Reply, ReplyValue } from "./message.ts";
import { DENIAL_LAYERS, DENIED_OPS, FAILURE_CODES, STAT_KINDS, VALUE } from "./wire.ts";

export type NumberedReply = { readonly id: number; readonly reply: Reply };

/** A decoded frame to a reply, as strictly as parse.ts reads requests. Throws INVALID with the field's name. */
export function parseReply(frame: unknown): NumberedReply {
  if (!Array.isArray(frame) || frame.length < 2) throw field.invalid("reply", "reply", frame, "an array");
  const [id, status]: readonly unknown[] = frame;
  const numbered = field.integer("reply", "id", id, 0, MAX_ID);
  const number = field.integer("reply", "status", status, 0, FAILURE_CODES.length);
  if (number === 0) {
    const [, , value] = field.tuple("reply", "reply", frame, 3);
    return { id: numbered, reply: { ok: true, value: parseValue(value) } };
  }
  const [, , errno, message, denial] = field.tuple("reply", "reply", frame, 5);
  const failure = {
    ok: false,
    code: FAILURE_CODES[number - 1]!,
    errno: parseErrno(errno),
    message: field.text("reply", "message", message, 0, MAX_TEXT_BYTES),
  } as const;
  return { id: numbered, reply: denial === null ? failure : { ...failure, denial: parseDenial(denial) } };
}

function parseValue(value: unknown): ReplyValue {
  if (value === null) return null;
  if (!Array.isArray(value)) throw field.invalid("reply", "value", value, "null or an array");
  const kind = field.integer("reply", "value[0]", value[0], 0, 3);
  if (kind === VALUE.stat) return parseStat(field.tuple("reply", "value", value, 10));
  const [, only] = field.tuple("reply", "value", value, 2);
  if (kind === VALUE.pid) return { pid: field.integer("reply", "pid", only, 1, 0x7fff_ffff) };
  if (kind === VALUE.transaction)
    return { transaction: field.integer("reply", "transaction", only, 1, MAX_ID) };
  return field.texts("reply", "names", only, MAX_LIST_ENTRIES, 255 * 4);
}

function parseStat(entries: readonly unknown[]): ReplyValue {
  return {
    kind: field.word("reply", "kind", entries[1], STAT_KINDS),
    mode: field.integer("reply", "mode", entries[2], 0, 0xffff),
    uid: field.integer("reply", "uid", entries[3], 0, MAX_ID),
    gid: field.integer("reply", "gid", entries[4], 0, MAX_ID),
    sizeBytes: field.integer("reply", "sizeBytes", entries[5], 0, Number.MAX_SAFE_INTEGER),
    linkCount: field.integer("reply", "linkCount", entries[6], 0, MAX_ID),
    modifiedMs: field.figure("reply", "modifiedMs", entries[7]),
    inode: field.figure("reply", "inode", entries[8]),
    device: field.figure("reply", "device", entries[9]),
  };
}

function parseErrno(value: unknown): string {
  const name = field.text("reply", "errno", value, 1, 32);
  if (/^E[A-Z0-9]+$/.test(name)) return name;
  throw field.invalid("reply", "errno", value, "the name of an errno");
}

function parseDenial(value: unknown): Denial {
  const entries = field.tuple("reply", "denial", value, 9);
  const [op, path, rule, reason, nextSteps, layer, allowedRoots, retry, retryAfterMs] = entries;
  return {
    op: field.word("reply", "denial.op", op, DENIED_OPS),
    // Of a refused system call it is "", of a hostile caller whatever it named: text, never used as a path.
    path: field.text("reply", "denial.path", path, 0, MAX_PATH_BYTES),
    rule: field.text("reply", "denial.rule", rule, 1, MAX_TEXT_BYTES),
    reason: field.text("reply", "denial.reason", reason, 0, MAX_TEXT_BYTES),
    nextSteps: field.texts("reply", "denial.nextSteps", nextSteps, MAX_NEXT_STEPS, MAX_TEXT_BYTES),
    layer: field.word("reply", "denial.layer", layer, DENIAL_LAYERS),
    allowedRoots: field.texts(
      "reply",
      "denial.allowedRoots",
      allowedRoots,
      MAX_ALLOWED_ROOTS,
      MAX_PATH_BYTES,
    ),
    retry: field.integer("reply", "denial.retry", retry, 0, 1) === 1 ? "later" : "never",
    retryAfterMs:
      retryAfterMs === null
        ? null
        : field.integer("reply", "denial.retryAfterMs", retryAfterMs, 0, Number.MAX_SAFE_INTEGER),
  };
}
